//! `ruad tenants`: access of customers to their own rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use ruad::{
    config::Settings,
    store::Store,
    tenants::{self, Access, Organisation, Secret},
};
use ruad_common::text;
use ruad_registry::Registry;

/// Give customers access to their own data in ClickHouse and Grafana; see docs/tenants.md.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TenantsArgs {
    #[command(flatten)]
    configuration: super::Configuration,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Print the SQL that creates a ClickHouse user for every group, limited to its own rows.
    ///
    /// The statements can be repeated: existing users and passwords are kept.
    Sql(Sql),
    /// Print Grafana provisioning files: data sources of organisations, or dashboard providers.
    Grafana(Grafana),
}

#[derive(Clone, Debug, clap::Args)]
struct Sql {
    /// Only these groups
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// A file with a group and its password on each line. Other new users get a generated password, shown once.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Also set the passwords of existing users from the file.
    #[arg(long, requires = "password_file")]
    change_passwords: bool,
    /// Run the statements on the server of clickhouse.url.
    #[arg(long)]
    apply: bool,
}

#[derive(Clone, Debug, clap::Args)]
struct Grafana {
    /// A group and the ID of its organisation in Grafana.
    #[arg(long = "org", value_name = "GROUP=NUMBER", required = true, value_parser = organisation)]
    organisations: Vec<Organisation>,
    /// Print dashboard providers instead of data sources.
    #[arg(long)]
    dashboards: bool,
}

impl TenantsArgs {
    /// Writes to standard output; passwords to standard error.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.configuration.load()?;
        let out = &mut text::exact_stdout();
        let outcome = match self.action {
            Action::Sql(sql) => sql.run(&settings, out, &mut text::stderr()),
            Action::Grafana(grafana) => grafana.run(&settings, out),
        };
        match outcome {
            Err(error) if super::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            outcome => outcome.map(|()| ExitCode::SUCCESS),
        }
    }
}

impl Sql {
    fn run(self, settings: &Settings, out: &mut dyn Write, told: &mut dyn Write) -> anyhow::Result<()> {
        if settings.clickhouse.cluster.is_some() {
            bail!("clickhouse.cluster is set: access of customers is only made for a single server");
        }
        let groups = chosen(settings, &self.groups)?;
        let passwords = self.password_file.as_deref().map(read_passwords).transpose()?.unwrap_or_default();
        if let Some(group) = passwords.keys().find(|group| !groups.contains(*group)) {
            bail!("the password file names {group}, which is not among the groups");
        }
        if self.apply && settings.clickhouse.url.is_none() {
            bail!(
                "clickhouse.url is not set, and the embedded engine makes no users by statements: a ClickHouse server is needed"
            );
        }
        // Checks the names that stand in statements.
        let store = Store::connect(&settings.clickhouse)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let known = match self.apply {
            true => runtime.block_on(users(&store))?,
            false => BTreeSet::new(),
        };
        let owner = settings.clickhouse.user.as_deref().unwrap_or("default");
        if !owner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte)) {
            bail!("clickhouse.user {owner:?} has characters that cannot stand in a statement");
        }
        let access = Access::new(&settings.clickhouse.database, owner);
        let mut statements = access.shared();
        let mut shown = Vec::new();
        for group in &groups {
            let user = tenants::user(group);
            let new;
            let secret = match passwords.get(group) {
                Some(password) if self.change_passwords => Secret::Changed(password),
                _ if known.contains(&user) => Secret::Kept,
                Some(password) => Secret::First(password),
                None => {
                    new = ruad_engine::new_password()?;
                    shown.push((user, new.clone()));
                    Secret::First(&new)
                }
            };
            statements.extend(access.of(group, secret));
        }
        let outcome = match self.apply {
            true => runtime.block_on(apply(&store, &statements)),
            false => Ok(()),
        };
        // Told also when a later statement failed: a user that was made keeps its password.
        let when =
            if self.apply && outcome.is_ok() { "" } else { ", if these statements are what creates it" };
        for (user, password) in shown {
            writeln!(told, "Password of {user}{when}, shown only now: {password}")?;
        }
        outcome?;
        if self.apply {
            writeln!(out, "{} statements for {} groups were run.", statements.len(), groups.len())?;
        } else {
            statements.iter().try_for_each(|statement| writeln!(out, "{statement};\n"))?;
        }
        Ok(())
    }
}

impl Grafana {
    fn run(&self, settings: &Settings, out: &mut dyn Write) -> anyhow::Result<()> {
        let groups: Vec<_> = self.organisations.iter().map(|one| one.group.clone()).collect();
        chosen(settings, &groups)?;
        let text = match self.dashboards {
            true => Organisation::dashboards(&self.organisations),
            false => Organisation::data_sources(&self.organisations, &settings.clickhouse.database),
        };
        Ok(out.write_all(text.as_bytes())?)
    }
}

/// These groups of the registry, or all.
fn chosen(settings: &Settings, named: &[String]) -> anyhow::Result<BTreeSet<String>> {
    let Some(file) = &settings.domains.file else {
        bail!("domains.file is not set: without a registry there are no groups");
    };
    let registry = Registry::load(file)?;
    let all: BTreeSet<_> = registry.groups().map(|(name, _)| name.to_owned()).collect();
    if let Some(unknown) = named.iter().find(|group| !all.contains(*group)) {
        bail!("{} has no group {unknown}", file.display());
    }
    Ok(if named.is_empty() { all } else { named.iter().cloned().collect() })
}

fn read_passwords(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut passwords = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{}:{}", file.display(), number + 1);
        let Some((group, password)) = line.trim().split_once(char::is_whitespace) else {
            bail!("{}: a group and its password are wanted", place());
        };
        tenants::check_password(group, password.trim()).with_context(place)?;
        if passwords.insert(group.to_owned(), password.trim().to_owned()).is_some() {
            bail!("{}: {group} has a password already", place());
        }
    }
    Ok(passwords)
}

async fn users(store: &Store) -> anyhow::Result<BTreeSet<String>> {
    // Whether our own database exists is another question.
    let client = store.client().clone().with_database("default");
    let names: Vec<String> = client
        .query("SELECT name FROM system.users WHERE startsWith(name, 'tenant_')")
        .fetch_all()
        .await
        .context("cannot ask which users there are; clickhouse.user needs access management")?;
    Ok(names.into_iter().collect())
}

async fn apply(store: &Store, statements: &[String]) -> anyhow::Result<()> {
    for statement in statements {
        // The hash of a password stands behind it.
        let what = statement.split(" IDENTIFIED").next().unwrap_or_default();
        let what = what.lines().next().unwrap_or_default();
        store.execute(statement).await.with_context(|| format!("ClickHouse refused: {what}"))?;
    }
    Ok(())
}

fn organisation(text: &str) -> Result<Organisation, String> {
    let wanted = "a group and a number are wanted, as in acme=2";
    let (group, id) = text.split_once('=').ok_or(wanted)?;
    match id.parse() {
        Ok(0) | Err(_) => Err(wanted.to_owned()),
        Ok(1) => Err("organisation 1 is that of Grafana's own administrators".to_owned()),
        Ok(id) => Ok(Organisation { group: group.to_owned(), id }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        folder: tempfile::TempDir,
        settings: Settings,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("domains.toml");
            let group =
                |name: &str| format!("[[group]]\nname = \"{name}\"\ndomains = [\"{name}.example\"]\n");
            fs::write(&file, group("acme") + &group("globex")).unwrap();
            let mut settings = Settings::default();
            settings.domains.file = Some(file);
            Self { folder, settings }
        }

        fn sql(
            &self,
            groups: &[&str],
            passwords: Option<&str>,
            apply: bool,
        ) -> anyhow::Result<(String, String)> {
            let groups = groups.iter().map(|group| (*group).to_owned()).collect();
            let file = self.folder.path().join("passwords");
            fs::write(&file, passwords.unwrap_or_default())?;
            let password_file = passwords.map(|_| file);
            let (mut out, mut told) = (Vec::new(), Vec::new());
            let sql = Sql { groups, password_file, change_passwords: false, apply };
            sql.run(&self.settings, &mut out, &mut told)?;
            Ok((String::from_utf8(out)?, String::from_utf8(told)?))
        }
    }

    #[test]
    fn new_passwords_are_told_and_not_printed() {
        let world = World::new();
        let passwords = Some("acme correct horse battery\n");
        let (sql, told) = world.sql(&[], passwords, false).unwrap();
        assert!(sql.contains("GRANT ruad_tenants TO `tenant_acme`;") && sql.contains("`tenant_globex`"));
        assert!(sql.ends_with(";\n\n") && !sql.contains("battery"));
        let password = told.trim().strip_prefix(
            "Password of tenant_globex, if these statements are what creates it, \
                                                 shown only now: ",
        );
        assert!(password.is_some_and(|password| password.len() == 48 && !sql.contains(password)), "{told}");
        let (sql, _) = world.sql(&["acme"], passwords, false).unwrap();
        assert!(!sql.contains("globex"));
    }

    #[test]
    fn what_cannot_be_is_said() {
        let mut world = World::new();
        for (groups, passwords, apply, words) in [
            (&["initech"][..], None, false, "no group initech"),
            (&["acme"], Some("globex correct horse battery"), false, "names globex"),
            (&[], Some("acme short"), false, "16 or more"),
            (&[], Some("acme"), false, "a group and its password"),
            (&[], None, true, "the embedded engine makes no users"),
        ] {
            let error = format!("{:#}", world.sql(groups, passwords, apply).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
        world.settings.clickhouse.cluster = Some("all".to_owned());
        assert!(world.sql(&[], None, false).unwrap_err().to_string().contains("clickhouse.cluster"));
        assert!(organisation("acme=1").is_err() && organisation("acme").is_err());
        assert_eq!(organisation("acme=2"), Ok(Organisation { group: "acme".to_owned(), id: 2 }));
    }
}
