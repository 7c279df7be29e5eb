//! `ruad spool`: the queue and the quarantine, beside a running daemon or without one.

use std::{
    fs::File,
    io::{self, BufRead, Read, Write},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use ruad_common::text::{self, Shown};
use ruad_spool::{Envelope, Inspector, MessageId, Settings};

/// Inspect the queue and the quarantine.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SpoolArgs {
    #[command(flatten)]
    configuration: super::Configuration,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// List waiting segments and quarantined messages.
    List,
    /// Show a message: origin, reason of quarantine, header.
    Show {
        /// The message, as `list` names it: <segment>-<number>; it may also wait in a closed segment
        id: MessageId,
        /// Write the message to standard output just as it was received
        #[arg(long)]
        raw: bool,
    },
    /// Move messages from quarantine back into the queue.
    Requeue {
        /// The messages, as shown by `list`.
        #[arg(required_unless_present_any = ["all", "code"])]
        ids: Vec<MessageId>,
        /// All undamaged messages in quarantine.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// All undamaged messages with this reason code.
        #[arg(long, conflicts_with_all = ["ids", "all"])]
        code: Option<String>,
    },
}

impl SpoolArgs {
    /// Does it; answers are written to standard output.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.configuration.load()?;
        let is_raw = matches!(self.action, Action::Show { raw: true, .. });
        let mut out: Box<dyn Write> =
            if is_raw { Box::new(text::exact_stdout()) } else { Box::new(text::stdout()) };
        self.answer(&settings.spool, &mut out)
    }

    fn answer(self, settings: &Settings, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let spool = Inspector::new(settings);
        match self.action {
            Action::List => list(&spool, out)?,
            Action::Show { id, raw } => show(&spool, id, raw, out)?,
            Action::Requeue { ids, all, code } => {
                let ids = if all || code.is_some() { matching(&spool, code.as_deref())? } else { ids };
                let requeued = spool.requeue(ids)?;
                writeln!(out, "{requeued} messages are in the queue again")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(spool: &Inspector, out: &mut dyn Write) -> anyhow::Result<()> {
    let now = SystemTime::now();
    let segments = spool.segments()?;
    writeln!(out, "{} segments wait", segments.len())?;
    for segment in segments {
        writeln!(
            out,
            "  {}  {:>9} old  {:>6} messages  {:>10}  {}",
            segment.id,
            age(now, segment.id.created_at()),
            segment.messages,
            size(segment.bytes),
            match segment {
                ref segment if segment.open => "open".to_owned(),
                ref segment => format!("{} attempts", segment.attempts),
            },
        )?;
    }
    let mut quarantine = spool.quarantine()?.peekable();
    writeln!(out, "{}", if quarantine.peek().is_some() { "quarantine" } else { "the quarantine is empty" })?;
    for message in quarantine {
        writeln!(
            out,
            "  {}  {:>9} ago  {:>10}  {}: {}",
            message.id,
            age(now, message.reason.quarantined_at),
            size(message.bytes),
            Shown(&message.reason.code),
            Shown(&message.reason.reason),
        )?;
    }
    Ok(())
}

fn show(spool: &Inspector, id: MessageId, raw: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let quarantined = match spool.quarantined(id) {
        Ok(quarantined) => quarantined,
        Err(not_quarantined) => {
            let message = spool.waiting(id).with_context(|| not_quarantined.to_string())?;
            let mut body = message.open()?;
            if raw {
                io::copy(&mut body, out)?;
                return Ok(());
            }
            show_envelope(Some(&message.envelope), out)?;
            return show_header(&mut body, out);
        }
    };
    let file = quarantined.message.as_ref().or(quarantined.damaged.as_ref());
    let body = file.map(|path| File::open(path).with_context(|| path.display().to_string())).transpose()?;
    if raw {
        let mut body = body.with_context(|| format!("nothing is left of {id}"))?;
        io::copy(&mut body, out)?;
        return Ok(());
    }
    let reason = &quarantined.reason;
    writeln!(out, "code:        {}", Shown(&reason.code))?;
    writeln!(out, "reason:      {}", Shown(&reason.reason))?;
    writeln!(out, "quarantined: {}", date(reason.quarantined_at))?;
    show_envelope(reason.envelope.as_ref(), out)?;
    match (body, &quarantined.message) {
        (Some(body), Some(_)) => show_header(&mut io::BufReader::new(body), out),
        (Some(_), None) => {
            Ok(writeln!(out, "\n{} of a damaged message, see --raw", size(quarantined.bytes))?)
        }
        (None, _) => Ok(writeln!(out, "\nnothing is left of the message")?),
    }
}

fn show_envelope(envelope: Option<&Envelope>, out: &mut dyn Write) -> anyhow::Result<()> {
    let Some(envelope) = envelope else { return Ok(writeln!(out, "envelope:    not known")?) };
    writeln!(out, "received:    {}", date(envelope.received_at))?;
    writeln!(out, "client:      {} ({})", envelope.client_ip, Shown(&envelope.helo))?;
    writeln!(out, "tls:         {}", Shown(envelope.tls.as_deref().unwrap_or("none")))?;
    writeln!(out, "mail from:   <{}>", Shown(&envelope.mail_from))?;
    for recipient in &envelope.rcpt_to {
        writeln!(out, "rcpt to:     <{}>", Shown(recipient))?;
    }
    Ok(())
}

/// The message's header, as much of it as one wants to see.
fn show_header(body: &mut dyn BufRead, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out)?;
    let mut header = body.take(MAX_HEADER_BYTES);
    let mut line = Vec::new();
    while header.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        if text.is_empty() {
            break;
        }
        writeln!(out, "{}", Shown(&text))?;
        line.clear();
    }
    Ok(())
}

fn matching(spool: &Inspector, code: Option<&str>) -> anyhow::Result<Vec<MessageId>> {
    let wanted = spool
        .quarantine()?
        .filter(|message| message.message().is_ok() && code.is_none_or(|code| message.reason.code == code));
    Ok(wanted.map(|message| message.id).collect())
}

/// A stranger's text on one line.
pub(super) fn printable(text: &str) -> String {
    Shown(text).to_string()
}

fn date(milliseconds: u64) -> String {
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
    mail_parser::DateTime::from_timestamp(seconds).to_rfc3339()
}

fn age(now: SystemTime, milliseconds: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_millis(milliseconds);
    let seconds = now.duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

const MAX_HEADER_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ruad_spool::Spool;
    use tempfile::TempDir;

    use super::*;
    use ruad_spool::{Rank, Refused};

    fn refused<'a>(number: u32, code: &'a str, reason: &'a str) -> Refused<'a> {
        Refused { number, code, reason, rank: Rank::Unproven }
    }

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        spool: SpoolArgs,
    }

    fn ruad_spool(settings: &Settings, arguments: &[&str]) -> anyhow::Result<String> {
        let command = Command::try_parse_from(["spool"].iter().chain(arguments))?;
        let mut out = Vec::new();
        command.spool.answer(settings, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    async fn commit(spool: &Spool, body: &str) {
        let mut incoming = spool.incoming();
        incoming.write(body.as_bytes()).await.unwrap();
        let envelope = Envelope {
            received_at: 1_750_000_000_000,
            client_ip: "192.0.2.1".parse().unwrap(),
            helo: "mx.example.net\u{1b}[2J".to_owned(),
            tls: None,
            mail_from: "reports@example.net".to_owned(),
            rcpt_to: vec!["rua@example.com".to_owned()],
        };
        incoming.commit(envelope).await.unwrap();
    }

    fn settings(folder: &TempDir) -> Settings {
        Settings {
            path: folder.path().to_path_buf(),
            segment_age: Duration::from_millis(1),
            min_free_bytes: 0,
            ..Settings::default()
        }
    }

    #[tokio::test]
    async fn shows_and_requeues_beside_a_running_daemon() {
        let folder = TempDir::new().unwrap();
        let settings = settings(&folder);
        let spool = Spool::open(&settings).unwrap();
        let large = format!("Subject: large\r\n\r\n{}", "x".repeat(100_000));
        commit(&spool, "Subject: \u{1b}]0;small\r\nTo: you\r\n\r\nnot shown").await;
        let first = spool.next_closed().await;
        spool
            .quarantine(&spool.segment(first).unwrap(), &[refused(0, "not_a_report", "it is\na song")])
            .unwrap();
        spool.finish(first).unwrap();
        commit(&spool, &large).await;
        let second = spool.next_closed().await;

        let list = ruad_spool(&settings, &["list"]).unwrap();
        assert!(list.contains(&format!("{first}-0")), "{list}");
        assert!(list.contains("not_a_report: it is\\na song"), "{list}");
        assert!(list.contains("1 segments wait") && list.contains(&second.to_string()), "{list}");

        let shown = ruad_spool(&settings, &["show", &format!("{first}-0")]).unwrap();
        assert!(shown.contains("client:      192.0.2.1 (mx.example.net\\u{1b}[2J)"), "{shown}");
        assert!(shown.contains("Subject: \\u{1b}]0;small") && !shown.contains("not shown"), "{shown}");
        assert!(shown.contains("2025-06-15T15:06:40Z"), "{shown}");
        let raw = ruad_spool(&settings, &["show", "--raw", &format!("{second}-0")]).unwrap();
        assert_eq!(raw, large);

        spool.quarantine(&spool.segment(second).unwrap(), &[refused(0, "limit_ratio", "large")]).unwrap();
        spool.finish(second).unwrap();
        assert_eq!(spool.backlog().quarantined, 2);
        let answer = ruad_spool(&settings, &["requeue", "--all"]).unwrap();
        assert_eq!(answer, "2 messages are in the queue again\n");

        let id = spool.next_closed().await;
        let segment = spool.segment(id).unwrap();
        let messages: Vec<_> = segment.messages().map(Result::unwrap).collect();
        assert_eq!(messages.len(), 2);
        assert_eq!(io::read_to_string(messages[1].open().unwrap()).unwrap(), large);
        assert_eq!(messages[1].envelope.mail_from, "reports@example.net");
        assert_eq!(spool.backlog().quarantined, 0);
        assert!(ruad_spool(&settings, &["list"]).unwrap().contains("the quarantine is empty"));
        assert!(ruad_spool(&settings, &["show", &format!("{first}-0")]).is_err());
        spool.finish(id).unwrap();
        assert_eq!(spool.backlog().bytes, 0);
    }

    #[tokio::test]
    async fn requeues_by_reason_and_name_without_a_daemon() {
        let folder = TempDir::new().unwrap();
        let settings = settings(&folder);
        let spool =
            Spool::open(&Settings { segment_age: Duration::from_secs(60), ..settings.clone() }).unwrap();
        for body in ["a", "b", "c"] {
            commit(&spool, body).await;
        }
        spool.close().await.unwrap();
        let id = spool.next_closed().await;
        for (number, code) in [(0, "one"), (1, "two"), (2, "two")] {
            spool.quarantine(&spool.segment(id).unwrap(), &[refused(number, code, "")]).unwrap();
        }
        spool.finish(id).unwrap();
        drop(spool);

        let (name, other) = (format!("{id}-1"), format!("{id}-7"));
        assert!(ruad_spool(&settings, &["requeue"]).is_err());
        assert!(ruad_spool(&settings, &["requeue", &other]).is_err());
        let answer = ruad_spool(&settings, &["requeue", &name, &name]).unwrap();
        assert_eq!(answer, "1 messages are in the queue again\n");
        let answer = ruad_spool(&settings, &["requeue", "--code", "two"]).unwrap();
        assert_eq!(answer, "1 messages are in the queue again\n");

        let spool = Spool::open(&settings).unwrap();
        let mut bodies = Vec::new();
        for _ in 0..2 {
            let segment = spool.segment(spool.next_closed().await).unwrap();
            for message in segment.messages() {
                bodies.push(io::read_to_string(message.unwrap().open().unwrap()).unwrap());
            }
        }
        assert_eq!(bodies, ["b", "c"]);
        assert_eq!(spool.backlog().quarantined, 1);
    }

    #[test]
    fn names_what_is_not_a_message() {
        let error = ruad_spool(&Settings::default(), &["show", "nonsense"]).unwrap_err();
        assert!(error.to_string().contains("nonsense"), "{error}");
    }
}
