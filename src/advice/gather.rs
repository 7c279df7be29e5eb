//! What reports tell of domains, for many at once. ClickHouse adds up; what comes back is bounded for each domain.

mod evidence;
mod ranges;
mod window;

use std::collections::HashMap;

use self::{
    evidence::{Line, Lines},
    ranges::Ranges,
    window::Reported,
};
use super::{RECENT_DAYS, Settings, Traffic, unusual::HISTORY_DAYS};
use crate::health::posture::Posture;
use crate::{
    advice::store::senders::{DOMAINS_OF_SENDERS, SenderFirst, Span},
    sources::Catalog,
    store::{Store, StoreError},
};
use ruad_registry::Preferences;

/// A domain of which to gather what reports tell.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What DNS says of it.
    pub posture: &'a Posture,
    /// What its owner wants.
    pub wishes: &'a Preferences,
}

/// Gathers what reports tell of these domains, in the order of the subjects. `today` is in days since 1970; what is reported of
/// later days is left out. No domain may be there twice.
///
/// # Errors
///
/// What ClickHouse said.
pub async fn gather(
    store: &Store,
    catalog: &Catalog,
    subjects: &[Subject<'_>],
    today: u32,
    settings: &Settings,
) -> Result<Vec<Traffic>, StoreError> {
    let mut traffic = vec![Traffic::default(); subjects.len()];
    // Neighbours in ClickHouse's order are read together.
    let mut order: Vec<_> = subjects.iter().copied().enumerate().collect();
    order.sort_unstable_by(|(_, one), (_, other)| one.posture.domain.cmp(&other.posture.domain));
    for batch in order.chunks(DOMAINS_OF_SENDERS) {
        let run = Run { store, catalog, settings, today: day(today) };
        run.gather(batch, &mut traffic).await?;
    }
    Ok(traffic)
}

/// One run over a batch of domains.
struct Run<'a> {
    store: &'a Store,
    catalog: &'a Catalog,
    settings: &'a Settings,
    today: u16,
}

impl Run<'_> {
    async fn gather(
        &self,
        batch: &[(usize, Subject<'_>)],
        traffic: &mut [Traffic],
    ) -> Result<(), StoreError> {
        let domains: Vec<_> = batch.iter().map(|(_, subject)| subject.posture.domain.as_str()).collect();
        let rows = self.store.reported_policies(&domains, self.today).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.domain.clone(), row)).collect();
        // Those of which there are no reports are as a default says.
        let mut by_window: HashMap<u32, Vec<Member<'_>>> = HashMap::new();
        for (at, subject) in batch {
            let Some(row) = rows.get(&subject.posture.domain) else { continue };
            let member = Member { at: *at, subject: *subject, reported: Reported::new(row) };
            if let Some(traffic) = traffic.get_mut(*at) {
                member.reported.tell(traffic, u32::from(self.today), self.settings);
                by_window.entry(traffic.window.from).or_default().push(member);
            }
        }
        for (from, members) in &by_window {
            self.senders(*from, members, traffic).await?;
            self.entries(members, traffic).await?;
            self.selectors(members, traffic).await?;
        }
        Ok(())
    }

    async fn senders(
        &self,
        from: u32,
        members: &[Member<'_>],
        traffic: &mut [Traffic],
    ) -> Result<(), StoreError> {
        let domains = names(members);
        let named = members.iter().flat_map(|member| member.subject.wishes.decisions.keys());
        // An empty list has no type in ClickHouse.
        let mut named: Vec<_> = named.map(|sender| sender.as_str()).chain([""]).collect();
        named.sort_unstable();
        named.dedup();
        let daily_from = self.today.saturating_sub(day(HISTORY_DAYS));
        let recent_from = (self.today + 1).saturating_sub(day(RECENT_DAYS));
        let span = Span { domains: &domains, from: day(from), to: self.today, daily_from, recent_from };
        let rows = self.store.sender_sums(&span, &named, MOST_SENDERS).await?;
        let mut lines: Vec<Vec<Line>> = vec![Vec::new(); members.len()];
        for row in rows {
            let at = usize::from(row.place).wrapping_sub(1);
            if let Some(lines) = lines.get_mut(at) {
                lines.push(Line::new(row));
            }
        }
        self.first_days(&span, &mut lines).await?;
        for (member, lines) in members.iter().zip(lines) {
            if let Some(traffic) = traffic.get_mut(member.at) {
                let judged =
                    Lines { lines, catalog: self.catalog, subject: member.subject, settings: self.settings };
                judged.tell(traffic, &member.reported.daily(), u32::from(self.today));
            }
        }
        Ok(())
    }

    /// Everybody who ever sent comes by here; those who matter are remembered.
    async fn first_days(&self, span: &Span<'_>, lines: &mut [Vec<Line>]) -> Result<(), StoreError> {
        let mut wanted = HashMap::new();
        for (domain, lines) in lines.iter().enumerate() {
            for (line, sender) in lines.iter().enumerate() {
                for key in sender.keys() {
                    wanted.insert((domain + 1, *key), line);
                }
            }
        }
        let mut cursor = self.store.senders_before(span)?;
        while let Some(SenderFirst { place, sender_key, first, addresses }) = cursor.next().await? {
            let place = usize::from(place);
            let Some(at) = wanted.get(&(place, sender_key)) else { continue };
            let line = lines.get_mut(place.wrapping_sub(1)).and_then(|lines| lines.get_mut(*at));
            if let Some(line) = line {
                line.was_there(first, addresses);
            }
        }
        Ok(())
    }

    /// Any mail at all counts for the use of a term of SPF: nothing is to be called superfluous that is not.
    async fn entries(&self, members: &[Member<'_>], traffic: &mut [Traffic]) -> Result<(), StoreError> {
        let with_entries = members.iter().filter(|member| !member.subject.posture.entries.is_empty());
        let members: Vec<_> = with_entries.collect();
        if members.is_empty() {
            return Ok(());
        }
        let domains: Vec<_> = members.iter().map(|member| member.subject.posture.domain.as_str()).collect();
        let mut ranges: Vec<_> =
            members.iter().map(|member| Ranges::of(&member.subject.posture.entries)).collect();
        let since = self.today.saturating_sub(day(self.settings.unused_days));
        let mut cursor = self.store.sender_addresses(&domains, since, self.today)?;
        while let Some(row) = cursor.next().await? {
            if let Some(ranges) = ranges.get_mut(usize::from(row.place).wrapping_sub(1)) {
                ranges.saw(row.address, row.last);
            }
        }
        for (member, ranges) in members.iter().zip(ranges) {
            if let Some(traffic) = traffic.get_mut(member.at) {
                traffic.entries = ranges.into_uses();
            }
        }
        Ok(())
    }

    async fn selectors(&self, members: &[Member<'_>], traffic: &mut [Traffic]) -> Result<(), StoreError> {
        let places: HashMap<_, _> =
            members.iter().map(|member| (member.subject.posture.domain.as_str(), member.at)).collect();
        for row in self.store.signed_with(&names(members), self.today, MOST_SELECTORS).await? {
            let traffic = places.get(row.domain.as_str()).and_then(|at| traffic.get_mut(*at));
            if let Some(traffic) = traffic {
                traffic.selectors.push((row.selector, u32::from(row.last)));
            }
        }
        Ok(())
    }
}

/// A domain of which there are reports.
struct Member<'a> {
    /// Its place among the subjects.
    at: usize,
    subject: Subject<'a>,
    reported: Reported,
}

fn names<'a>(members: &[Member<'a>]) -> Vec<&'a str> {
    members.iter().map(|member| member.subject.posture.domain.as_str()).collect()
}

/// ClickHouse's days have 16 bits and last until 2149.
fn day(day: u32) -> u16 {
    u16::try_from(day).unwrap_or(u16::MAX)
}

/// Senders of a domain that are told one by one, without the others.
const MOST_SENDERS: u32 = 99;
/// Selectors of a domain.
const MOST_SELECTORS: u32 = 200;
