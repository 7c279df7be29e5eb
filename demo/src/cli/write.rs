use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use ruad_demo::Month;

#[derive(Debug, clap::Args)]
pub(super) struct Write {
    /// The folder; made if it does not exist.
    folder: PathBuf,
}

impl Write {
    pub(super) fn run(self, month: &Month) -> anyhow::Result<ExitCode> {
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        for (index, mail) in month.mails.iter().enumerate() {
            let path = self.folder.join(format!("{index:05} {}.eml", mail.label));
            fs::write(&path, &mail.bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        println!("{} mails in {}", super::number::thousands(month.mails.len() as u64), self.folder.display());
        Ok(ExitCode::SUCCESS)
    }
}
