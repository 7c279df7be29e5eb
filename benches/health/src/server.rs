//! A name server that has every answer ready, so that what is measured is who asks.

use std::{
    collections::{HashSet, VecDeque},
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use crate::world::{Found, World, wire};

/// A running server; its threads end with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) counts: Arc<Counts>,
}

/// What was asked.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) questions: AtomicUsize,
    /// The most questions that waited for their answer at the same time.
    pub(crate) most_at_once: AtomicUsize,
}

impl Server {
    /// Answers after `latency`, and never for the domains that `silent` names.
    pub(crate) fn start(world: World, silent: Vec<String>, latency: Duration) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let address = socket.local_addr()?;
        let counts = Arc::new(Counts::default());
        let (later, due) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let back = socket.try_clone()?;
        let answered = waiting.clone();
        thread::spawn(move || send_when_due(&back, &due, &answered));
        let counted = counts.clone();
        let silent: HashSet<_> = silent.iter().map(|domain| wire(domain)).collect();
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
                let Some(question) = buffer.get(..length) else { continue };
                counted.questions.fetch_add(1, Ordering::Relaxed);
                let Some(answer) = answer(&world, &silent, question) else { continue };
                let now_waiting = waiting.fetch_add(1, Ordering::Relaxed) + 1;
                counted.most_at_once.fetch_max(now_waiting, Ordering::Relaxed);
                if later.send((Instant::now() + latency, peer, answer)).is_err() {
                    break;
                }
            }
        });
        Ok(Self { address, counts })
    }
}

fn send_when_due(
    socket: &UdpSocket,
    due: &mpsc::Receiver<(Instant, SocketAddr, Vec<u8>)>,
    waiting: &AtomicUsize,
) {
    let mut queue: VecDeque<(Instant, SocketAddr, Vec<u8>)> = VecDeque::new();
    loop {
        match queue.front() {
            // Not woken for each question: that would cost the machine more than the answer.
            Some((at, ..)) => thread::park_timeout(at.saturating_duration_since(Instant::now())),
            None => match due.recv() {
                Ok(answer) => queue.push_back(answer),
                Err(mpsc::RecvError) => return,
            },
        }
        queue.extend(due.try_iter());
        while queue.front().is_some_and(|(at, ..)| *at <= Instant::now()) {
            let Some((_, peer, answer)) = queue.pop_front() else { break };
            // Before it is sent: the next question may be here before this thread runs again.
            waiting.fetch_sub(1, Ordering::Relaxed);
            // A peer that has gone is not waited for.
            drop(socket.send_to(&answer, peer));
        }
    }
}

/// None for a question of a domain that never answers.
fn answer(world: &World, silent: &HashSet<Vec<u8>>, message: &[u8]) -> Option<Vec<u8>> {
    let mut at = HEADER;
    let mut labels = Vec::new();
    while *message.get(at)? > 0 {
        labels.push(at - HEADER);
        at += usize::from(*message.get(at)?) + 1;
    }
    let name = message.get(HEADER..=at)?.to_ascii_lowercase();
    let kind = u16::from_be_bytes([*message.get(at + 1)?, *message.get(at + 2)?]);
    if labels.iter().any(|start| name.get(*start..).is_some_and(|parent| silent.contains(parent))) {
        return None;
    }
    let (code, answer) = match world.find(&name, kind) {
        Found::Records(answer) => (0, Some(answer)),
        Found::NoData => (0, None),
        Found::NoName => (3, None),
    };
    let (count, authorities) = answer.map_or((0, 1), |answer| (answer.count, answer.authorities));
    let mut reply = Vec::with_capacity(512);
    reply.extend(message.get(..2)?);
    // A response, authoritative, recursion desired and available.
    reply.extend([0x85, 0x80 | code, 0, 1]);
    reply.extend(count.to_be_bytes());
    reply.extend(authorities.to_be_bytes());
    reply.extend([0, 0]);
    reply.extend(message.get(HEADER..at + 5)?);
    match answer {
        Some(answer) => reply.extend(&answer.bytes),
        None => {
            reply.extend(world.zone(&name, &labels));
            reply.extend(START);
        }
    }
    Some(reply)
}

const HEADER: usize = 12;

/// The rest of an SOA record, so that a missing record can be remembered.
const START: &[u8] = &[
    0, 6, 0, 1, 0, 0, 1, 44, 0, 22, 0, 0, 0, 0, 0, 1, 0, 0, 28, 32, 0, 0, 3, 132, 0, 1, 81, 128, 0, 0, 1, 44,
];
