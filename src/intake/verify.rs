//! Who sent the messages of a segment. DNS says, and the sender decides how long that takes; so those whose answers are
//! there come first, and the others get a time that does not grow with their number.
//!
//! A first round gives every message a moment. What is not answered by then is asked again in a second round, in which all
//! of a segment have as long together as one message may take. In both rounds clients of many networks, and authors of many
//! domains, take turns: no one of them can use up the time of the others.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Inner,
    examine::{Examined, Read},
};
use crate::provenance::{Authenticator, Evidence};

/// Examinations that may run at the same time, over all segments.
#[derive(Debug)]
pub(super) struct Turns {
    first: Arc<Semaphore>,
    second: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { first: Arc::new(Semaphore::new(FIRST)), second: Arc::new(Semaphore::new(SECOND)) }
    }
}

/// Asks after the senders of these messages, in no longer than twice what one of them may take.
pub(super) async fn verify(intake: Arc<Inner>, runtime: Handle, read: Vec<Read>) -> Vec<Examined> {
    let patience = intake.provenance.timeout;
    let read: Vec<_> = read.into_iter().map(Arc::new).collect();
    let mut evidence: Vec<Option<Evidence>> = read.iter().map(|_| None).collect();
    let senders: Vec<_> = read.iter().map(|read| Sender::of(read)).collect();
    let waiting: Vec<_> = in_turn(&senders);

    let mut asked = JoinSet::new();
    let until = Instant::now() + patience;
    for index in &waiting {
        let Some(read) = read.get(*index).cloned() else { continue };
        let (index, turns) = (*index, intake.turns.first.clone());
        let authenticator = intake.authenticator.clone();
        let ask = async move {
            let _turn = timeout_at(until, turns.acquire_owned()).await.ok()?.ok()?;
            timeout(MOMENT, ask(&authenticator, &read)).await.ok()?
        };
        asked.spawn_on(async move { (index, ask.await) }, &runtime);
    }
    take(&mut asked, &mut evidence).await;

    let until = Instant::now() + patience;
    let (mut networks, mut authors) = (HashMap::new(), HashMap::new());
    for index in &waiting {
        let (Some(None), Some(read)) = (evidence.get(*index), read.get(*index).cloned()) else { continue };
        let Some(Some(sender)) = senders.get(*index) else { continue };
        let one = |most| Arc::new(Semaphore::new(most));
        let network = networks.entry(sender.network).or_insert_with(|| one(OF_A_NETWORK)).clone();
        let author = authors.entry(sender.author.clone()).or_insert_with(|| one(OF_AN_AUTHOR)).clone();
        let (index, turns) = (*index, intake.turns.second.clone());
        let authenticator = intake.authenticator.clone();
        let ask = async move {
            let _network = network.acquire_owned().await.ok()?;
            let _author = author.acquire_owned().await.ok()?;
            let _turn = turns.acquire_owned().await.ok()?;
            ask(&authenticator, &read).await
        };
        asked.spawn_on(async move { (index, timeout_at(until, ask).await.ok().flatten()) }, &runtime);
    }
    take(&mut asked, &mut evidence).await;

    let all = read.into_iter().zip(evidence).filter_map(|(read, evidence)| {
        // Every task that held it has ended.
        let read = Arc::into_inner(read)?;
        let evidence =
            evidence.or_else(|| read.letter.as_ref().map(|letter| intake.authenticator.give_up(letter)));
        Some(read.with(evidence))
    });
    all.collect()
}

/// Asks after the sender of one message; nothing when there is no reason to.
pub(super) async fn ask(authenticator: &Authenticator, read: &Read) -> Option<Evidence> {
    Some(authenticator.check(&read.delivery(), read.letter.as_ref()?).await)
}

async fn take(asked: &mut JoinSet<(usize, Option<Evidence>)>, evidence: &mut [Option<Evidence>]) {
    while let Some(done) = asked.join_next().await {
        // A panic has been logged, and its message is one whose sender could not be told.
        let Ok((index, Some(found))) = done else { continue };
        if let Some(place) = evidence.get_mut(index) {
            *place = Some(found);
        }
    }
}

/// Who a message comes from, as far as that costs nothing.
#[derive(Debug)]
struct Sender {
    network: IpAddr,
    author: Option<String>,
}

impl Sender {
    fn of(read: &Read) -> Option<Self> {
        let letter = read.letter.as_ref()?;
        Some(Self { network: network(read.delivery().client_ip), author: letter.author_domain() })
    }
}

/// The messages whose senders are to be asked after: those of which the client's network or the author has sent fewer in
/// front.
fn in_turn(senders: &[Option<Sender>]) -> Vec<usize> {
    let (mut networks, mut authors) = (HashMap::<_, usize>::new(), HashMap::<_, usize>::new());
    let mut order: Vec<_> = senders
        .iter()
        .enumerate()
        .filter_map(|(index, sender)| {
            let Sender { network, author } = sender.as_ref()?;
            let (of_network, of_author) =
                (networks.entry(*network).or_default(), authors.entry(author).or_default());
            *of_network += 1;
            *of_author += 1;
            Some(((*of_network).max(*of_author), index))
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, index)| index).collect()
}

/// The /24 or /48 of an address: what one customer of a provider has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) & !0xff).into()),
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !(u128::MAX >> 48)).into()),
    }
}

/// How long a message has in the first round: most answers are remembered, or near.
const MOMENT: Duration = Duration::from_millis(250);
/// Messages that have their moment at once.
const FIRST: usize = 64;
/// Messages that are waited for at once.
const SECOND: usize = 64;
/// Messages that are waited for at once of one network of clients, and of one author.
const OF_A_NETWORK: usize = 16;
const OF_AN_AUTHOR: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(address: &str, author: &str) -> Option<Sender> {
        Some(Sender { network: network(address.parse().unwrap()), author: Some(author.to_owned()) })
    }

    #[test]
    fn many_messages_of_one_wait_for_one_of_another() {
        let mut senders: Vec<_> = (0..300)
            .map(|number| sender(&format!("192.0.2.{}", number % 256), &format!("d{number}.example")))
            .collect();
        senders.push(sender("198.51.100.1", "genuine.example"));
        assert_eq!(in_turn(&senders)[..2], [0, 300], "by network");
        let mut senders: Vec<_> =
            (0..300).map(|number| sender(&format!("2001:db8:{number:x}::1"), "silent.example")).collect();
        senders.push(None);
        senders.push(sender("198.51.100.1", "genuine.example"));
        let order = in_turn(&senders);
        assert_eq!(order[..2], [0, 301], "by author");
        assert_eq!(order.len(), 301, "those without a letter are not asked after");
    }
}
