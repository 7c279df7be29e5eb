//! `ruad reports`: the reports that are stored, which of them count, and how to take one out.

use std::{
    collections::BTreeSet,
    env,
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use mail_parser::DateTime;
use ruad::{
    config::Settings,
    provenance::Verdict,
    store::{Action, Change, CopyFilter, CopySums, Place, Store, StoredCopy},
};
use ruad_common::domain_name::normalize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::spool::printable;

/// List, withdraw and restore stored reports.
///
/// A withdrawn report is removed from all tables and sums that dashboards and advice read. A new delivery of it is not
/// counted either, unless that delivery is better authenticated. `restore` brings it back unchanged.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ReportsArgs {
    #[command(flatten)]
    configuration: super::Configuration,
    #[command(subcommand)]
    action: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// List stored reports, latest first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Only reports in this state: counted, superseded (another copy counts) or withdrawn
        #[arg(long, value_parser = place)]
        state: Option<Place>,
        /// Maximum number of reports.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Print JSON, one object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show a report: its copies, and who changed them, when and why.
    Show {
        /// The report's key, as `list` shows it
        key: Uuid,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Withdraw reports from all tables and sums.
    Withdraw {
        #[command(flatten)]
        filter: Filter,
        /// The reason, kept for the record.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        how: How,
    },
    /// Bring withdrawn reports back
    Restore {
        #[command(flatten)]
        filter: Filter,
        /// The reason, kept for the record.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        how: How,
    },
}

/// Which reports; all conditions must hold.
#[derive(Clone, Debug, Default, clap::Args)]
struct Filter {
    /// The report with this key, as `list` shows it
    #[arg(long)]
    key: Vec<Uuid>,
    /// Reports of this reporter, as `list` shows it
    #[arg(long)]
    reporter: Option<String>,
    /// Reports about this domain
    #[arg(long)]
    domain: Option<String>,
    /// Reports with this id
    #[arg(long)]
    id: Option<String>,
    /// Reports received in this spool segment.
    #[arg(long)]
    segment: Option<Uuid>,
    /// Reports with this verdict: genuine, authenticated, forged or unknown
    #[arg(long, value_parser = verdict)]
    verdict: Option<Verdict>,
    /// Reports received at this time or later: a date (UTC) or an RFC 3339 time.
    #[arg(long, value_parser = time)]
    since: Option<u64>,
    /// Reports received before this time.
    #[arg(long, value_parser = time)]
    before: Option<u64>,
}

#[derive(Clone, Debug, clap::Args)]
struct How {
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl ReportsArgs {
    /// Does it; answers are written to standard output.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.configuration.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let outcome = runtime.block_on(self.answer(&settings, &mut ruad_common::text::json_stdout()));
        match outcome {
            Err(error) if super::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            outcome => outcome.map(|()| ExitCode::SUCCESS),
        }
    }

    async fn answer(self, settings: &Settings, out: &mut dyn Write) -> anyhow::Result<()> {
        let store = super::store::connect(settings).await?;
        match self.action {
            Command::List { filter, state, limit, json } => {
                let filter = CopyFilter { place: state, ..filter.parse()? };
                list(&store.copies(&filter, limit).await?, json, out)
            }
            Command::Show { key, json } => show(&store, key, json, out).await,
            Command::Withdraw { filter, reason, how } => {
                Changing::new(&store, filter, Action::Withdrawn, reason)?.run(&how, out).await
            }
            Command::Restore { filter, reason, how } => {
                Changing::new(&store, filter, Action::Restored, reason)?.run(&how, out).await
            }
        }
    }
}

/// Reports that are withdrawn or restored.
struct Changing<'a> {
    store: &'a Store,
    filter: CopyFilter,
    action: Action,
    reason: String,
    by: String,
    at: u64,
}

impl<'a> Changing<'a> {
    fn new(store: &'a Store, filter: Filter, action: Action, reason: String) -> anyhow::Result<Self> {
        let filter = filter.parse()?;
        if filter.is_empty() {
            bail!(
                "name the reports: --key, --reporter, --domain, --id, --segment, --verdict, --since or --before"
            );
        }
        if action == Action::Withdrawn && reason.trim().is_empty() {
            bail!("--reason is missing: give the reason, it is kept for the record");
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let place = if action == Action::Withdrawn { Place::Counted } else { Place::Withdrawn };
        // What arrives while the question is answered is not meant.
        let now_in_milliseconds = u64::try_from(now.as_millis())?;
        let before =
            Some(filter.before.map_or(now_in_milliseconds, |before| before.min(now_in_milliseconds)));
        let by = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok());
        Ok(Self {
            store,
            filter: CopyFilter { place: Some(place), before, ..filter },
            action,
            reason,
            by: by.unwrap_or_default(),
            at: now.as_secs(),
        })
    }

    async fn run(&self, how: &How, out: &mut dyn Write) -> anyhow::Result<()> {
        let finished = if how.dry_run { 0 } else { self.store.finish_changes().await? };
        if finished > 0 && !how.json {
            writeln!(out, "finished a change of {} that was cut short", reports(finished as u64))?;
        }
        let sums = self.store.copy_sums(&self.filter).await?;
        if !how.json {
            list(&self.store.copies(&self.filter, SHOWN).await?, false, out)?;
            let more = sums.copies.saturating_sub(SHOWN as u64);
            if more > 0 {
                writeln!(out, "and {more} more")?;
            }
        }
        if how.dry_run || sums.copies == 0 {
            return self.tell(&sums, how, 0, 0, finished, out);
        }
        if !how.yes {
            self.ask(&sums, out)?;
        }
        let (changed, kept) = self.change_all().await?;
        self.tell(&sums, how, changed, kept, finished, out)
    }

    /// Changes everything that is meant, page by page; gives how many were changed, and how many were not.
    async fn change_all(&self) -> anyhow::Result<(usize, usize)> {
        let change = Change { action: self.action, by: &self.by, reason: &self.reason, at: self.at };
        let (mut changed, mut kept) = (0, BTreeSet::new());
        loop {
            let mut page = self.store.copies(&self.filter, PAGE + kept.len()).await?;
            page.retain(|copy| !kept.contains(&copy.identity()));
            if page.is_empty() {
                return Ok((changed, kept.len()));
            }
            let meant: BTreeSet<_> = page.iter().map(StoredCopy::identity).collect();
            let keys: BTreeSet<_> = page.iter().map(|copy| copy.report_key).collect();
            let keys: Vec<_> = keys.into_iter().collect();
            if self.action == Action::Restored {
                page = self.store.restorable(&page).await?;
            } else if self.store.settle(&keys).await? > 0 {
                continue;
            }
            changed += self.store.change(&page, &change).await?;
            self.store.settle(&keys).await?;
            let now = CopyFilter { keys, ..self.filter.clone() };
            let left = self.store.copies(&now, usize::MAX).await?;
            kept.extend(left.iter().map(StoredCopy::identity).filter(|copy| meant.contains(copy)));
        }
    }

    fn ask(&self, sums: &CopySums, out: &mut dyn Write) -> anyhow::Result<()> {
        if !io::stdin().is_terminal() {
            bail!("nothing was changed: there is no terminal to ask at, and --yes was not given");
        }
        let verb = if self.action == Action::Withdrawn { "withdraw" } else { "restore" };
        write!(out, "{verb} {} with {} messages? [y/N] ", reports(sums.copies), sums.messages)?;
        out.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("nothing was changed");
        }
        Ok(())
    }

    fn tell(
        &self,
        sums: &CopySums,
        how: &How,
        changed: usize,
        kept: usize,
        finished: usize,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let word = self.action.as_str();
        if how.json {
            let outcome = json!({
                "action": word,
                "dry_run": how.dry_run,
                "matched": {"reports": sums.copies, "records": sums.records, "messages": sums.messages},
                "changed": changed,
                "unchanged": kept,
                "finished": finished,
            });
            writeln!(out, "{outcome}")?;
        } else if how.dry_run {
            writeln!(out, "{} with {} messages would be {word}", reports(sums.copies), sums.messages)?;
        } else {
            writeln!(out, "{} {word}", reports(changed as u64))?;
        }
        if kept > 0 && !how.json {
            let why = match self.action {
                Action::Restored => {
                    "another copy counts instead, or its counts cannot be true (`ruad reports show` says which)"
                }
                _ => "another process is changing them; run the command again",
            };
            writeln!(out, "{} unchanged: {why}", reports(kept as u64))?;
        }
        Ok(())
    }
}

impl Filter {
    fn parse(self) -> anyhow::Result<CopyFilter> {
        let domain = self
            .domain
            .map(|domain| normalize(&domain).with_context(|| format!("{domain:?} is not a domain name")));
        if self.key.len() > MOST_KEYS {
            bail!("{} keys; {MOST_KEYS} are the most", self.key.len());
        }
        Ok(CopyFilter {
            keys: self.key.into_iter().map(|key| key.as_u128()).collect(),
            reporter: self.reporter.map(|reporter| reporter.to_lowercase()),
            domain: domain.transpose()?,
            id: self.id,
            segment: self.segment,
            verdict: self.verdict,
            since: self.since,
            before: self.before,
            place: None,
        })
    }
}

fn list(copies: &[StoredCopy], json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    for copy in copies {
        if json {
            writeln!(out, "{}", document(copy))?;
            continue;
        }
        writeln!(
            out,
            "{}  {}  {:<9}  {:<13}  {:<10}  {:>9} messages  {}  {}  {}",
            Uuid::from_u128(copy.report_key),
            date(copy.received_at),
            copy.kind,
            copy.verdict.as_str(),
            copy.place.as_str(),
            copy.messages,
            printable(&copy.policy_domain),
            printable(&copy.reporter),
            printable(&copy.report_id),
        )?;
    }
    Ok(())
}

async fn show(store: &Store, key: Uuid, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let filter = CopyFilter { keys: vec![key.as_u128()], ..CopyFilter::default() };
    let copies = store.copies(&filter, SHOWN_COPIES).await?;
    let changes = store.changes_of(key.as_u128(), SHOWN_COPIES).await?;
    let Some(first) = copies.first() else { bail!("no stored report has the key {key}") };
    if json {
        let changes = changes.iter().map(|change| {
            json!({
                "segment": change.segment, "content": change.content, "action": change.action,
                "done": change.is_done, "at": date(u64::from(change.at) * 1000), "by": change.by, "reason": change.reason,
            })
        });
        let copies: Vec<_> = copies.iter().map(document).collect();
        writeln!(out, "{}", json!({"copies": copies, "changes": changes.collect::<Vec<_>>()}))?;
        return Ok(());
    }
    writeln!(out, "report:   {key} ({})", first.kind)?;
    writeln!(out, "domain:   {} ({})", printable(&first.policy_domain), printable(&first.group_name))?;
    writeln!(out, "reporter: {}", printable(&first.reporter))?;
    writeln!(out, "id:       {}", printable(&first.report_id))?;
    for copy in &copies {
        let content = Uuid::from_u128(copy.content_hash);
        writeln!(out, "\ncopy in segment {}, message {}", copy.segment, copy.number)?;
        writeln!(
            out,
            "  arrived {}, {}, {}",
            date(copy.received_at),
            copy.verdict.as_str(),
            copy.place.as_str()
        )?;
        writeln!(out, "  {} records, {} messages, content {content}", copy.records, copy.messages)?;
        let of_copy = changes.iter().filter(|change| {
            change.segment == copy.segment.to_string() && change.content == content.to_string()
        });
        for change in of_copy {
            let (at, by, reason) = (date(u64::from(change.at) * 1000), &change.by, &change.reason);
            let cut_short = if change.is_done { "" } else { " (not finished)" };
            writeln!(out, "  {}{cut_short} {at} by {}: {}", change.action, printable(by), printable(reason))?;
        }
    }
    Ok(())
}

fn document(copy: &StoredCopy) -> Value {
    json!({
        "key": Uuid::from_u128(copy.report_key),
        "content": Uuid::from_u128(copy.content_hash),
        "segment": copy.segment,
        "number": copy.number,
        "kind": copy.kind,
        "received_at": date(copy.received_at),
        "domain": copy.policy_domain,
        "group": copy.group_name,
        "reporter": copy.reporter,
        "report_id": copy.report_id,
        "verdict": copy.verdict.as_str(),
        "records": copy.records,
        "messages": copy.messages,
        "state": copy.place.as_str(),
        "changed_by": copy.changed_by,
        "reason": copy.reason,
    })
}

fn reports(count: u64) -> String {
    match count {
        1 => "1 report".to_owned(),
        count => format!("{count} reports"),
    }
}

fn date(milliseconds: u64) -> String {
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds).to_rfc3339()
}

fn place(word: &str) -> Result<Place, String> {
    let all = [Place::Counted, Place::Superseded, Place::Withdrawn];
    let found = all.into_iter().find(|place| place.as_str() == word);
    found.ok_or_else(|| "it is one of counted, superseded, withdrawn".to_owned())
}

fn verdict(word: &str) -> Result<Verdict, String> {
    let found = Some(Verdict::of_word(word)).filter(|verdict| verdict.as_str() == word);
    found.ok_or_else(|| "it is one of genuine, authenticated, forged, unknown".to_owned())
}

/// Milliseconds since 1970. The shape is checked here: the parser takes "2026-1-1" for the tenth of October.
fn time(text: &str) -> Result<u64, String> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let full = match shape.as_str() {
        "0000-00-00" => format!("{text}T00:00:00Z"),
        "0000-00-00T00:00:00Z" | "0000-00-00T00:00:00+00:00" | "0000-00-00T00:00:00-00:00" => text.to_owned(),
        _ => String::new(),
    };
    let time = DateTime::parse_rfc3339(&full).filter(DateTime::is_valid);
    let seconds = time.and_then(|time| u64::try_from(time.to_timestamp()).ok());
    let milliseconds = seconds.filter(|seconds| *seconds < FURTHEST).map(|seconds| seconds * 1000);
    milliseconds.ok_or_else(|| "it is a date like 2026-11-01, or a time like 2026-11-01T12:00:00Z".to_owned())
}

/// Reports that are shown before the question.
const SHOWN: usize = 10;

const SHOWN_COPIES: usize = 1000;

/// Reports that are changed at a time.
const PAGE: usize = 500;

const MOST_KEYS: usize = 1000;

/// Seconds since 1970: the year 2106, as far as ClickHouse's times go.
const FURTHEST: u64 = 4_294_967_295;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_or_rfc_3339() {
        assert_eq!(time("2026-11-01"), Ok(1_793_491_200_000));
        assert_eq!(time("2026-11-01T01:00:00+01:00"), Ok(1_793_491_200_000));
        assert_eq!(time("2026-11-01T12:00:00Z"), Ok(1_793_534_400_000));
        for wrong in ["yesterday", "2026-13-01", "", "2026-11-01T", "9999-01-01", "2026-1-1", "1960-01-01"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_are_known_ones() {
        assert_eq!(verdict("forged"), Ok(Verdict::Forged));
        assert!(verdict("nonsense").is_err() && place("nonsense").is_err());
        assert_eq!(place("withdrawn"), Ok(Place::Withdrawn));
    }
}
