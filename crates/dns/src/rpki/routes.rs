use std::{
    fmt,
    io::{self, BufRead, Read as _},
    net::IpAddr,
};

use serde::Serialize;

use super::{Prefix, prefix::Table};

/// The routes that there are.
#[derive(Clone, Debug, Default)]
pub struct Routes(Table<u32>);

/// A prefix and the system that announces it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Route {
    /// The prefix.
    pub prefix: Prefix,
    /// The number of the autonomous system.
    pub origin: u32,
}

impl Routes {
    /// Adds those of a file such as RIPE's `riswhoisdump`: `origin`, `prefix` and the number of peers that see it, with
    /// tabs or blanks between. What few see is left out, as RIPE advises, and so are origins that are sets.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or holds more routes than there can be.
    pub fn add(&mut self, mut file: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                self.0.finish();
                return Ok(());
            }
            let Some(route) = str::from_utf8(&line).ok().and_then(Route::parse) else { continue };
            if self.0.len() == MOST {
                return Err(io::Error::other(format!("there are more than {MOST} routes")));
            }
            self.0.push(route.prefix, route.origin);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The routes by which packets reach an address: those with the longest prefix.
    pub fn to(&self, address: IpAddr) -> impl Iterator<Item = Route> {
        let mut routes = self.0.covering(Prefix::host(address)).peekable();
        let longest = routes.peek().map(|(prefix, _)| *prefix);
        let routes = routes.take_while(move |(prefix, _)| Some(*prefix) == longest);
        routes.map(|(prefix, origin)| Route { prefix, origin })
    }
}

impl Route {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let (origin, prefix) = (system(fields.next()?)?, Prefix::parse(fields.next()?)?);
        let peers: Option<u32> = fields.next().and_then(|peers| peers.parse().ok());
        peers.is_none_or(|peers| peers >= FEWEST_PEERS).then_some(Self { prefix, origin })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of AS{}", self.prefix, self.origin)
    }
}

/// `AS64496` or `64496`.
pub(super) fn system(text: &str) -> Option<u32> {
    text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).unwrap_or(text).parse().ok()
}

/// A route that fewer see is a leak or an experiment more often than not.
const FEWEST_PEERS: u32 = 10;
const LONGEST_LINE: u64 = 1_000;
/// Several times as many as there were in 2026.
const MOST: usize = 8_000_000;
