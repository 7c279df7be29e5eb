use std::io::{self, BufRead, Read};

use super::MailError;
use super::content::Hint;
use super::peek::{next_byte, read_capped};
use super::walk::{Level, Walk};

impl Walk<'_> {
    /// Looks into the attachments of a `winmail.dat` (MS-OXTNEF).
    ///
    /// Own code: the one crate there is for it wants the whole file in memory, gives up at the first field it does not
    /// know and has not been touched since 2019. What is needed is a list of length-prefixed attributes, of which
    /// three matter.
    pub(super) fn tnef(&mut self, input: &mut dyn BufRead, hint: &Hint, at: Level) -> io::Result<()> {
        skip(input, HEADER)?;
        let mut name = None;
        while let Some(_level) = next_byte(input)? {
            let (id, length) = (u32_of(input)?, u64::from(u32_of(input)?));
            let mut value = input.take(length);
            match id {
                ATTACHMENT_BEGIN => name = None,
                ATTACHMENT_TITLE => {
                    let title = read_capped(&mut value, MAX_NAME)?;
                    let title = title.split(|byte| *byte == 0).next().unwrap_or_default();
                    name = Some(
                        encoding_rs::mem::decode_latin1(title).chars().filter(|c| !c.is_control()).collect(),
                    );
                }
                ATTACHMENT_DATA => {
                    if !self.count_part() {
                        return Ok(());
                    }
                    let depth = self.path.len();
                    self.path.extend(name.take());
                    self.content(&mut value, &hint.inside(), at, None)?;
                    self.path.truncate(depth);
                }
                _ => {}
            }
            let unread = value.limit();
            skip(input, unread + CHECKSUM)?;
        }
        Ok(())
    }
}

fn skip(input: &mut dyn BufRead, bytes: u64) -> io::Result<()> {
    if io::copy(&mut input.take(bytes), &mut io::sink())? < bytes { Err(cut()) } else { Ok(()) }
}

fn u32_of(input: &mut dyn BufRead) -> io::Result<u32> {
    let mut bytes = [0; 4];
    for byte in &mut bytes {
        *byte = next_byte(input)?.ok_or_else(cut)?;
    }
    Ok(u32::from_le_bytes(bytes))
}

fn cut() -> io::Error {
    MailError::CorruptArchive { format: "tnef", reason: "it ends in the middle".to_owned() }.into()
}

/// `attAttachRenddata`, `attAttachTitle`, `attAttachData` (MS-OXTNEF section 2.1.3.1).
const ATTACHMENT_BEGIN: u32 = 0x0006_9002;
const ATTACHMENT_TITLE: u32 = 0x0001_8010;
const ATTACHMENT_DATA: u32 = 0x0006_800F;

/// The signature and the key.
const HEADER: u64 = 6;
const CHECKSUM: u64 = 2;
const MAX_NAME: u64 = 255;
