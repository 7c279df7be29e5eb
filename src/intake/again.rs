//! Reports of known organisations whose senders DNS did not tell of. They are stored as a stranger's, and their mails kept in
//! quarantine; from there they come again, until DNS has answered or they are too old to be verified.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use super::decision::Reason;
use crate::{
    intake::telemetry,
    provenance::{Doubt, Evidence},
};
use ruad_spool::{Inspector, Quarantined, Spool, SpoolError};

/// Why a message is kept to be verified again, if it is.
pub(super) fn reason(evidence: &Evidence) -> Option<Reason> {
    let doubt = evidence.doubt.filter(|doubt| matches!(doubt, Doubt::Dns | Doubt::Timeout))?;
    evidence.names_known_organization().then(|| Reason {
        code: UNVERIFIED.to_owned(),
        text: format!("its sender could not be verified ({}); it is tried again", doubt.as_str()),
    })
}

/// Puts what is due back into the queue from time to time, until `stop`.
pub(super) async fn keep_trying(spool: &Spool, stop: &CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(BETWEEN) => {}
            () = stop.cancelled() => return,
        }
        let inspector = spool.inspector();
        let tried = tokio::task::spawn_blocking(move || try_again(&inspector, SystemTime::now())).await;
        match tried {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(count)) => telemetry::verified_again(count),
            Ok(Err(error)) => telemetry::not_verified_again(&error),
        }
    }
}

/// Puts back what waits for another try; gives how many messages.
fn try_again(spool: &Inspector, now: SystemTime) -> Result<u64, SpoolError> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let due = spool.quarantine()?.filter(|message| is_due(message, now)).take(MOST_AT_ONCE);
    let due: Vec<_> = due.map(|message| message.id).collect();
    if due.is_empty() { Ok(0) } else { spool.requeue(due) }
}

fn is_due(message: &Quarantined, now: Duration) -> bool {
    let since = |milliseconds| now.saturating_sub(Duration::from_millis(milliseconds));
    let received_at = message.reason.envelope.as_ref().map(|envelope| envelope.received_at);
    message.reason.code == UNVERIFIED
        && message.message.is_some()
        && since(message.reason.quarantined_at) >= PAUSE
        && received_at.is_some_and(|received_at| since(received_at) < LONGEST)
}

const UNVERIFIED: &str = "unverified";
const BETWEEN: Duration = Duration::from_secs(300);
/// Missing answers are remembered for a minute, and an outage takes longer.
const PAUSE: Duration = Duration::from_secs(1_800);
/// Later, a key may be gone: see [`Doubt::Late`].
const LONGEST: Duration = Duration::from_secs(2 * 86_400);
const MOST_AT_ONCE: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use ruad_spool::{Envelope, Rank, Refused, Settings};

    #[test]
    fn known_organisations_get_another_try_when_dns_failed() {
        let evidence =
            |from: &str, doubt| Evidence { from_domain: Some(from.into()), ..Evidence::unknown(doubt) };
        for doubt in [Doubt::Dns, Doubt::Timeout] {
            assert_eq!(reason(&evidence("google.com", doubt)).unwrap().code, "unverified");
            assert_eq!(reason(&evidence("evil.example", doubt)), None);
        }
        assert_eq!(reason(&evidence("google.com", Doubt::WeakSignature)), None);
        assert_eq!(reason(&Evidence::unknown(Doubt::Timeout)), None);
    }

    #[tokio::test]
    async fn what_is_due_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            Settings { path: folder.path().join("spool"), min_free_bytes: 0, ..Settings::default() };
        let spool = Spool::open(&settings).unwrap();
        let now = SystemTime::now();
        let milliseconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        for age in [Duration::from_secs(60), LONGEST + PAUSE] {
            let mut incoming = spool.incoming();
            incoming.write(b"x").await.unwrap();
            let envelope = Envelope {
                received_at: milliseconds(now - age),
                client_ip: [127, 0, 0, 1].into(),
                helo: String::new(),
                tls: None,
                mail_from: String::new(),
                rcpt_to: Vec::new(),
            };
            incoming.commit(envelope).await.unwrap();
        }
        spool.close().await.unwrap();
        let segment = spool.next_closed().await;
        let held = spool.segment(segment).unwrap();
        for number in 0..2 {
            let rank = Rank::Unproven;
            spool.quarantine(&held, &[Refused { number, code: UNVERIFIED, reason: "", rank }]).unwrap();
        }
        let inspector = spool.inspector();
        assert_eq!(try_again(&inspector, now).unwrap(), 0, "it has just been tried");
        let later = now + PAUSE + Duration::from_secs(60);
        assert_eq!(try_again(&inspector, later).unwrap(), 1, "the other is too old");
        assert_eq!(try_again(&inspector, later).unwrap(), 0);
        assert_eq!(inspector.quarantine().unwrap().count(), 1);
    }
}
