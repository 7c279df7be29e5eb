//! Zones that others signed and others serve: ldns signs, nsd serves, and unbound resolves and validates, so that its
//! verdict can be compared. Skipped with a notice where these programs are not installed.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hickory_server::proto::rr::RecordType;
use ruad_dns::{Proof, Resolver, Settings, Status, Validator, dane, dnssec};
use tempfile::TempDir;

use crate::{dane::codes, ports};

/// A zone and how it is signed.
struct Zone {
    origin: &'static str,
    text: &'static str,
    /// Options of ldns-signzone; nothing for a zone that is not signed.
    sign: Option<&'static [&'static str]>,
    /// What is replaced once it is signed.
    alter: Option<(&'static str, &'static str)>,
    /// Whether the zone above knows of the key.
    ds: bool,
}

const ZONES: [Zone; 14] = [
    Zone {
        text: "@ IN MX 10 mx\nmx IN A 192.0.2.1\nmx IN AAAA 2001:db8::1\n*.wild IN TXT \"w\"\nalias IN CNAME mx\n\
            a.b.c IN TXT \"deep\"\ndead IN CNAME nowhere\nfar IN CNAME mx.plain.example.\n_25._tcp.mx IN CNAME _dane\n\
            _dane IN TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\
            _dane IN TLSA 3 1 1 10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\
            over IN DNAME other\nmx.other IN A 192.0.2.2\n",
        ..signed("nsec.example")
    },
    Zone {
        text: "@ IN MX 10 mx\nmx IN A 192.0.2.1\n*.wild IN TXT \"w\"\nalias IN CNAME mx\na.b.c IN TXT \"deep\"\n\
            dead IN CNAME nowhere\nfar IN CNAME mx.nsec.example.\n",
        sign: Some(&["-n", "-t", "0"]),
        ..signed("nsec3.example")
    },
    Zone { sign: Some(&["-n", "-s", "ab", "-t", "10"]), ..signed("iterations.example") },
    signed("below.plain.example"),
    Zone { sign: None, ds: false, ..signed("plain.example") },
    Zone { ds: false, ..signed("island.example") },
    Zone { text: "@ IN A 192.0.2.1\n", ..signed("tiny.example") },
    Zone { sign: None, ds: false, ..signed("plain.optout.example") },
    Zone { text: "", sign: Some(&["-n", "-p"]), ..signed("optout.example") },
    Zone { alter: Some(("MX\t10", "MX\t11")), ..signed("altered.example") },
    Zone { sign: Some(&["-i", "20240101000000", "-e", "20240201000000"]), ..signed("expired.example") },
    Zone { sign: None, ..signed("stripped.example") },
    Zone { text: "", ..signed("example") },
    Zone { text: "ns.invalid. IN A 127.0.0.1\n", ds: false, ..signed("") },
];

const fn signed(origin: &'static str) -> Zone {
    let text = "@ IN MX 10 mx\nmx IN A 192.0.2.1\n";
    Zone { origin, text, sign: Some(&[]), alter: None, ds: true }
}

struct World {
    folder: TempDir,
    resolver: SocketAddr,
    _programs: Vec<Program>,
}

/// A program that ends with its owner.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl World {
    /// Signs and serves everything; nothing when a program is not there.
    fn start() -> Option<Self> {
        let needed = ["ldns-keygen", "ldns-signzone", "nsd", "unbound"];
        let missing: Vec<_> = needed.into_iter().filter(|name| program(name).is_none()).collect();
        if !missing.is_empty() {
            eprintln!("skipped: {} not installed (packages nsd, ldnsutils and unbound)", missing.join(", "));
            return None;
        }
        let folder = TempDir::new().unwrap();
        sign_all(folder.path());
        let (server, resolver) = (ports::free(), ports::free());
        let nsd = serve(folder.path(), server.port());
        let unbound = resolve(folder.path(), server.port(), resolver.port());
        Some(Self { folder, resolver, _programs: vec![nsd, unbound] })
    }

    fn settings(&self) -> Settings {
        Settings {
            servers: vec![self.resolver],
            timeout: Duration::from_secs(5),
            trust_anchor: Some(self.folder.path().join("anchor.key")),
            ..Settings::default()
        }
    }

    /// A validator, once the servers answer.
    async fn validator(&self) -> Validator {
        let deadline = Instant::now() + Duration::from_secs(60);
        let resolver = Resolver::new(&self.settings(), 0, 1).unwrap();
        while resolver.mx("nsec.example").await.records().is_empty() {
            assert!(
                Instant::now() < deadline,
                "{}",
                fs::read_to_string(self.folder.path().join("log")).unwrap()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Validator::new(&self.settings(), 1_000, 50).unwrap()
    }
}

#[tokio::test]
async fn we_say_what_others_say() {
    let Some(world) = World::start() else { return };
    let validator = world.validator().await;
    let resolver = Resolver::new(&world.settings(), 0, 10).unwrap();
    for (name, kind, expected) in [
        (".", RecordType::SOA, Proof::Secure),
        ("nsec.example", RecordType::MX, Proof::Secure),
        ("nsec.example", RecordType::TXT, Proof::Secure),
        ("none.nsec.example", RecordType::A, Proof::Secure),
        ("x.wild.nsec.example", RecordType::TXT, Proof::Secure),
        ("x.wild.nsec.example", RecordType::A, Proof::Secure),
        ("alias.nsec.example", RecordType::A, Proof::Secure),
        ("alias.nsec.example", RecordType::TXT, Proof::Secure),
        ("dead.nsec.example", RecordType::A, Proof::Secure),
        ("b.c.nsec.example", RecordType::A, Proof::Secure),
        ("_25._tcp.mx.nsec.example", RecordType::TLSA, Proof::Secure),
        ("_26._tcp.mx.nsec.example", RecordType::TLSA, Proof::Secure),
        ("mx.over.nsec.example", RecordType::A, Proof::Secure),
        ("far.nsec.example", RecordType::A, Proof::Insecure),
        ("far.nsec.example", RecordType::TXT, Proof::Insecure),
        ("nsec3.example", RecordType::MX, Proof::Secure),
        ("nsec3.example", RecordType::TXT, Proof::Secure),
        ("none.nsec3.example", RecordType::A, Proof::Secure),
        ("x.wild.nsec3.example", RecordType::TXT, Proof::Secure),
        ("x.wild.nsec3.example", RecordType::A, Proof::Secure),
        ("alias.nsec3.example", RecordType::TXT, Proof::Secure),
        ("dead.nsec3.example", RecordType::A, Proof::Secure),
        ("b.c.nsec3.example", RecordType::A, Proof::Secure),
        ("_25._tcp.mx.nsec3.example", RecordType::TLSA, Proof::Secure),
        ("far.nsec3.example", RecordType::A, Proof::Secure),
        ("far.nsec3.example", RecordType::TXT, Proof::Secure),
        ("iterations.example", RecordType::TXT, Proof::Secure),
        ("none.example", RecordType::A, Proof::Secure),
        ("x.y.none.example", RecordType::A, Proof::Secure),
        ("x.y.none.nsec3.example", RecordType::A, Proof::Secure),
        ("below.plain.example", RecordType::MX, Proof::Insecure),
        ("plain.example", RecordType::MX, Proof::Insecure),
        ("plain.example", RecordType::TXT, Proof::Insecure),
        ("none.plain.example", RecordType::A, Proof::Insecure),
        ("island.example", RecordType::MX, Proof::Insecure),
        ("none.island.example", RecordType::A, Proof::Insecure),
        ("_25._tcp.tiny.example", RecordType::TLSA, Proof::Secure),
        ("_dmarc.tiny.example", RecordType::TXT, Proof::Secure),
        ("plain.optout.example", RecordType::MX, Proof::Insecure),
        ("none.plain.optout.example", RecordType::MX, Proof::Insecure),
        ("optout.example", RecordType::TXT, Proof::Secure),
        ("altered.example", RecordType::MX, Proof::Bogus),
        ("altered.example", RecordType::SOA, Proof::Secure),
        ("expired.example", RecordType::MX, Proof::Bogus),
        ("none.expired.example", RecordType::A, Proof::Bogus),
        ("stripped.example", RecordType::MX, Proof::Bogus),
        ("none.stripped.example", RecordType::A, Proof::Bogus),
    ] {
        let judged = validator.ask(name, kind).await;
        assert_eq!(judged.proof, expected, "{name} {kind} {judged:#?}");
        // Unbound answers SERVFAIL to what it holds for forged.
        if kind == RecordType::MX {
            let answer = resolver.mx(name).await;
            assert_eq!(answer.trouble().is_some(), expected == Proof::Bogus, "{name} {answer:?}");
        }
    }
}

#[tokio::test]
async fn domains_that_others_sign_are_judged() {
    let Some(world) = World::start() else { return };
    let validator = world.validator().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for (domain, expected, status) in [
        ("nsec.example", &[][..], Status::Ok),
        ("nsec3.example", &[], Status::Ok),
        ("iterations.example", &["dnssec.nsec3_iterations"], Status::Warning),
        ("plain.example", &["dnssec.unsigned"], Status::Info),
        ("island.example", &["dnssec.no_chain"], Status::Warning),
        ("altered.example", &["dnssec.bogus"], Status::Error),
        ("expired.example", &["dnssec.signatures_expired"], Status::Error),
        ("stripped.example", &["dnssec.no_matching_key"], Status::Error),
    ] {
        let outcome = dnssec::examine(&validator, domain, now).await;
        assert_eq!(codes(&outcome.check), expected, "{outcome:#?}");
        assert_eq!(outcome.check.status(), status);
    }
    let outcome = dane::examine(&validator, "nsec.example").await;
    assert_eq!((codes(&outcome.check), outcome.hosts[0].usable().len()), (vec![], 2), "{outcome:#?}");
    let outcome = dane::examine(&validator, "nsec3.example").await;
    assert_eq!(codes(&outcome.check), ["dane.missing"], "{outcome:#?}");
    let outcome = dane::examine(&validator, "altered.example").await;
    assert_eq!(codes(&outcome.check), ["dane.domain_bogus"], "{outcome:#?}");
}

/// Makes a key for every zone and signs those that want it, the lower ones first: their DS records go above.
fn sign_all(folder: &Path) {
    let mut delegations = String::new();
    for zone in ZONES {
        let origin = format!("{}.", zone.origin);
        let mut text = format!(
            "$ORIGIN {origin}\n$TTL 300\n@ IN SOA ns.invalid. root.invalid. 1 60 60 60 60\n@ IN NS ns.invalid.\n{}",
            zone.text
        );
        let parent = |line: &&str| line.split('.').filter(|label| !label.is_empty()).count();
        let above: Vec<_> = delegations.lines().filter(|line| line.contains(" IN ")).collect();
        for line in above {
            let owner = line.split(' ').next().unwrap();
            let depth = if zone.origin.is_empty() { 0 } else { parent(&zone.origin) };
            if parent(&owner) == depth + 1 && (depth == 0 || owner.ends_with(&format!(".{origin}"))) {
                writeln!(text, "{line}").unwrap();
            }
        }
        writeln!(delegations, "{origin} IN NS ns.invalid.").unwrap();
        let file = folder.join(if zone.origin.is_empty() { "root" } else { zone.origin });
        fs::write(&file, &text).unwrap();
        let key = run(folder, "ldns-keygen", &["-k", "-a", "ECDSAP256SHA256", &origin]);
        let key = key.trim();
        if zone.ds {
            let ds = fs::read_to_string(folder.join(format!("{key}.ds"))).unwrap();
            let fields: Vec<_> = ds.split_whitespace().skip_while(|word| *word != "DS").collect();
            writeln!(delegations, "{origin} IN {}", fields.join(" ")).unwrap();
        }
        if zone.origin.is_empty() {
            fs::copy(folder.join(format!("{key}.key")), folder.join("anchor.key")).unwrap();
        }
        if let Some(options) = zone.sign {
            let name = file.file_name().unwrap().to_str().unwrap();
            run(folder, "ldns-signzone", &[options, &["-o", &origin, "-f", "signed", name, key]].concat());
            let mut text = fs::read_to_string(folder.join("signed")).unwrap();
            if let Some((from, to)) = zone.alter {
                assert!(text.contains(from), "{text}");
                text = text.replace(from, to);
            }
            fs::write(&file, text).unwrap();
        }
    }
}

fn serve(folder: &Path, port: u16) -> Program {
    let mut text = format!(
        "server:\n  ip-address: 127.0.0.1\n  port: {port}\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n  \
         pidfile: \"nsd.pid\"\n  zonesdir: \"{0}\"\n  zonelistfile: \"{0}/zone.list\"\n  xfrdfile: \"{0}/xfrd\"\n  \
         xfrdir: \"{0}\"\n  server-count: 1\nremote-control:\n  control-enable: no\n",
        folder.display()
    );
    for zone in ZONES {
        let file = if zone.origin.is_empty() { "root" } else { zone.origin };
        write!(text, "zone:\n  name: \"{}.\"\n  zonefile: \"{file}\"\n", zone.origin).unwrap();
    }
    fs::write(folder.join("nsd.conf"), text).unwrap();
    start(folder, "nsd", &["-d", "-c", "nsd.conf"])
}

fn resolve(folder: &Path, server: u16, port: u16) -> Program {
    let mut text = format!(
        "server:\n  interface: 127.0.0.1\n  port: {port}\n  username: \"\"\n  chroot: \"\"\n  directory: \"{0}\"\n  \
         pidfile: \"unbound.pid\"\n  use-syslog: no\n  do-daemonize: no\n  do-ip6: no\n  \
         do-not-query-localhost: no\n  trust-anchor-file: \"{0}/anchor.key\"\n  module-config: \"validator iterator\"\n  \
         local-zone: \"invalid.\" nodefault\n  qname-minimisation: no\n  num-threads: 1\n\
         remote-control:\n  control-enable: no\n",
        folder.display()
    );
    for zone in ZONES {
        write!(text, "stub-zone:\n  name: \"{}.\"\n  stub-addr: 127.0.0.1@{server}\n", zone.origin).unwrap();
    }
    fs::write(folder.join("unbound.conf"), text).unwrap();
    start(folder, "unbound", &["-d", "-p", "-c", "unbound.conf"])
}

fn start(folder: &Path, name: &str, arguments: &[&str]) -> Program {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let child = Command::new(program(name).unwrap())
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    Program(child.unwrap())
}

fn run(folder: &Path, name: &str, arguments: &[&str]) -> String {
    let output = Command::new(program(name).unwrap()).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Servers are often not in the path of an ordinary user.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}
