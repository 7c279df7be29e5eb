//! `ruad source`: who sends as a domain, and what its owner says of them.

use std::{collections::BTreeMap, env, io::Write, process::ExitCode};

use anyhow::{Context, bail};
use ruad::{
    advice::{
        Class, classify,
        store::senders::{KnownSender, Said},
    },
    config::Settings,
    store::Store,
};
use ruad_common::time::unix_seconds;
use ruad_common::{domain_name::normalize, text, texts::Language};
use ruad_registry::{Decision, Registry, SenderId};

/// List the senders of a domain; approve or reject them.
///
/// Takes effect with the next planning run. `[[domain.source]]` in the registry takes precedence.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SourceArgs {
    #[command(flatten)]
    configuration: super::Configuration,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// List the senders of a domain with their classification and its reason.
    List {
        /// The domain
        domain: String,
        /// The language of the reasons: en or nl
        #[arg(long, default_value = "en")]
        lang: Language,
    },
    /// Approve a sender: it sends for the domain.
    Approve(Word),
    /// Reject a sender: it does not send for the domain.
    Reject(Word),
    /// Undo the approval or rejection of a sender.
    Forget(Word),
}

#[derive(Clone, Debug, clap::Args)]
struct Word {
    /// The domain
    domain: String,
    /// The sender as shown by `list`, or the ID of a service.
    sender: String,
    /// The reason, kept for the record.
    #[arg(long, default_value = "")]
    note: String,
}

impl SourceArgs {
    /// Does it; answers are written to standard output.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.configuration.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let outcome = runtime.block_on(self.answer(&settings, &mut text::stdout()));
        match outcome {
            Err(error) if super::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            outcome => outcome.map(|()| ExitCode::SUCCESS),
        }
    }

    async fn answer(self, settings: &Settings, out: &mut dyn Write) -> anyhow::Result<()> {
        let registry = settings.domains.file.as_deref().map(Registry::load).transpose()?.unwrap_or_default();
        let store = super::store::connect(settings).await?;
        match self.action {
            Action::List { domain, lang } => Domain::of(&store, &registry, &domain).await?.list(lang, out),
            Action::Approve(word) => word.say(&store, &registry, Some(Decision::Approved), out).await,
            Action::Reject(word) => word.say(&store, &registry, Some(Decision::Rejected), out).await,
            Action::Forget(word) => word.say(&store, &registry, None, out).await,
        }
    }
}

/// What is known of a domain's senders.
struct Domain<'a> {
    name: String,
    senders: Vec<KnownSender>,
    /// What was said here.
    said: BTreeMap<SenderId, Decision>,
    /// What the registry says.
    listed: Option<&'a BTreeMap<SenderId, Decision>>,
}

impl<'a> Domain<'a> {
    async fn of(store: &Store, registry: &'a Registry, domain: &str) -> anyhow::Result<Self> {
        let name = normalize(domain).with_context(|| format!("{domain:?} is not a domain name"))?;
        let said = store.decisions(&[&name]).await?.remove(&name).unwrap_or_default();
        let listed = registry.wishes(&name).map(|wishes| &wishes.decisions);
        Ok(Self { senders: store.known_senders(&name).await?, said, listed, name })
    }

    fn list(&self, language: Language, out: &mut dyn Write) -> anyhow::Result<()> {
        if self.senders.is_empty() {
            writeln!(
                out,
                "no senders of {} are known: no planning run has seen reports about it",
                self.name
            )?;
            return Ok(());
        }
        let longest =
            self.senders.iter().map(|sender| sender.sender.chars().count()).max().unwrap_or_default();
        writeln!(
            out,
            "{:longest$}  {:<10}  {:>9}  {:>6}  {:<10}  {:<10}  {:<9}  why",
            "sender", "class", "messages", "pass", "first seen", "last seen", "decision"
        )?;
        for sender in &self.senders {
            let decision = SenderId::parse(&sender.sender).and_then(|id| self.decision(&id));
            let class = Class::ALL.into_iter().find(|class| class.name() == sender.class);
            let rule = classify::RULES.into_iter().find(|rule| rule.0 == sender.rule);
            writeln!(
                out,
                "{:longest$}  {:<10}  {:>9}  {:>6}  {:<10}  {:<10}  {:<9}  {}: {}",
                sender.sender,
                class.map_or(sender.class.as_str(), |class| class.title(language)),
                sender.messages,
                share(sender.passed, sender.messages),
                sender.first_day,
                sender.last_day,
                decision.map_or("", Decision::name),
                sender.name,
                rule.map_or(sender.rule.as_str(), |rule| rule.sentence(language)),
            )?;
        }
        Ok(())
    }

    fn decision(&self, sender: &SenderId) -> Option<Decision> {
        self.listed.and_then(|listed| listed.get(sender)).or_else(|| self.said.get(sender)).copied()
    }

    /// The sender that is meant, when it is one of the domain's.
    fn sender(&self, written: &str) -> anyhow::Result<SenderId> {
        let meant = SenderId::parse(written).or_else(|| SenderId::parse(&format!("service:{written}")));
        let is_known = |id: &SenderId| {
            self.said.contains_key(id) || self.senders.iter().any(|sender| sender.sender == id.as_str())
        };
        match meant.filter(is_known) {
            Some(sender) if !sender.is_others() => Ok(sender),
            Some(_) => bail!("net:others are many, and not one sender about whom something can be said"),
            None if self.senders.is_empty() => bail!("no senders of {} are known", self.name),
            None => {
                let known: Vec<_> = self.senders.iter().map(|sender| sender.sender.as_str()).collect();
                bail!("{written:?} is not known to send as {}; these are: {}", self.name, known.join(", "))
            }
        }
    }
}

impl Word {
    async fn say(
        self,
        store: &Store,
        registry: &Registry,
        decision: Option<Decision>,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let domain = Domain::of(store, registry, &self.domain).await?;
        let sender = domain.sender(&self.sender)?;
        if decision.is_none() && !domain.said.contains_key(&sender) {
            bail!("nothing was said of {sender} with `ruad source`");
        }
        let at = unix_seconds();
        let by = ["USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
        let said = Said { by: &by, note: &self.note, at: u32::try_from(at)? };
        store.decide(&domain.name, &sender, decision, &said).await?;
        match decision {
            Some(decision) => writeln!(out, "{sender} is {} for {}", decision.name(), domain.name)?,
            None => writeln!(out, "nothing is said of {sender} for {} any more", domain.name)?,
        }
        if let Some(listed) = domain.listed.and_then(|listed| listed.get(&sender)) {
            writeln!(out, "but the registry says {}, and comes first", listed.name())?;
        }
        Ok(())
    }
}

fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        whole => format!("{:.1}%", part as f64 * 100.0 / whole as f64),
    }
}
