//! Pages for `make test-pages`, which opens them in a browser. Without `RUAD_PAGES`, the folder they go to, nothing is written.

use std::{env, fs, path::PathBuf};

use ruad::certificate::{
    Certificate, Date, DkimKey, Mail, Notice, Serial, Sign, SigningKey, Standing, Statement, badge, drawing,
    notice, page,
};
use ruad_common::texts::Language;
use ruad_dns::dkim::Kind;

fn statement(domain: &str) -> Statement {
    let day = |text: &str| -> Date { text.parse().unwrap() };
    Statement {
        serial: "7KQ2M4XD9TRAW3EV".parse::<Serial>().unwrap(),
        domain: domain.to_owned(),
        issued: day("2026-11-21"),
        address: "https://dmarc.msp.example".parse().unwrap(),
        profile: "default".to_owned(),
        held_since: day("2026-10-21"),
        sends_mail: true,
        mail: Some(Mail {
            from: day("2026-10-22"),
            to: day("2026-11-20"),
            messages: 48_213,
            own: 41_870,
            passed: 41_866,
        }),
        dkim: vec![DkimKey { kind: Kind::Rsa, bits: 2048 }, DkimKey { kind: Kind::Ed25519, bits: 256 }],
        spf_lookups: Some(4),
    }
}

#[test]
fn pages_to_look_at() {
    let Some(folder) = env::var_os("RUAD_PAGES").map(PathBuf::from) else { return };
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let key = SigningKey::random().unwrap();
    let usual = Certificate::sign(statement("customer.example"), &key);
    let valid = Standing::Valid { confirmed_at: 1_795_270_560 };
    let void = Standing::Void { since: Some("2027-01-09".parse().unwrap()) };
    write("certificate.html", page(&usual, None, Language::En));
    write("certificate-valid.html", page(&usual, Some(valid), Language::En));
    write("certificate-geldig.html", page(&usual, Some(valid), Language::Nl));
    write("certificate-void.html", page(&usual, Some(void), Language::En));
    write("certificate-unconfirmed.html", page(&usual, Some(Standing::Unconfirmed), Language::Nl));
    let long = format!("{}.department-of-long-names.customer.example", "very-".repeat(9) + "long");
    let long = Certificate::sign(statement(&long), &key);
    write("certificate-long.html", page(&long, Some(valid), Language::Nl));
    let bare =
        Statement { sends_mail: false, mail: None, dkim: Vec::new(), ..statement("xn--bcher-kva.example") };
    let bare = Certificate::sign(bare, &key);
    write("certificate-bare.html", page(&bare, None, Language::En));
    write("notice-unknown.html", notice(Notice::Unknown, Language::En));
    write("notice-away.html", notice(Notice::Away, Language::Nl));
    write("drawing.svg", drawing(&usual, Language::En));
    write("drawing-nl.svg", drawing(&usual, Language::Nl));
    write("drawing-long.svg", drawing(&long, Language::En));
    for (name, sign) in [
        ("badge.svg", Sign::Of("customer.example", valid)),
        ("badge-void.svg", Sign::Of("customer.example", void)),
        ("badge-unconfirmed.svg", Sign::Of("department.customer.example", Standing::Unconfirmed)),
        ("badge-unknown.svg", Sign::Unknown),
    ] {
        write(name, badge(sign, Language::En));
    }
}
