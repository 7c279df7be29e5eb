//! What strangers can send, and what they get.

use ruad::certificate::{Register, Serial};
use ruad_registry::{Registry, Shared};
use std::time::Duration;

use crate::world::{DOMAIN, Domain, World, get, serve};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_is_not_found() {
    let world = World::new().await;
    let unknown = Serial::random().unwrap();
    for path in [
        &*format!("/c/{unknown}"),
        &format!("/c/{unknown}.svg"),
        &format!("/c/{unknown}.txt"),
        "/c/x",
        "/c/..",
        "/c/..%2f..%2fetc%2fpasswd",
        "/c/%00",
        "/c/%ff%fe",
        "/c/%",
        "/c/0000000000000000.html",
        "/c/0000000000000000.svg.svg",
        "/c/000000000000000'",
        "/c/' OR 1=1 --",
        "/c/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/c/key.pem.txt",
        &format!("/c/{}", "0".repeat(5_000)),
    ] {
        let path = path.replace(' ', "%20");
        let answer = world.get(&path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("alert") && !answer.body.contains("root:"), "{}", answer.body);
        assert!(answer.headers["content-security-policy"].starts_with("default-src 'none'"), "{path}");
    }
    for path in ["/c", "/c/", "/c/a/b", "/c/../metrics/.", "//c/x"] {
        assert!([404, 400].contains(&world.get(path).status), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_read_as_people_type_them() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    let serial = issued[0].statement().serial;
    for written in [serial.to_string(), serial.grouped(), serial.grouped().to_lowercase()] {
        assert_eq!(world.get(&format!("/c/{written}")).status, 200, "{written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_safe_to_show() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    let path = format!("/c/{}", issued[0].statement().serial);
    for (form, kind) in [("", "text/html"), (".svg", "image/svg+xml"), (".txt", "text/plain")] {
        let answer = world.get(&format!("{path}{form}"));
        let header = |name: &str| answer.headers.get(name).map(String::as_str).unwrap_or_default();
        assert!(header("content-type").starts_with(kind), "{:?}", answer.headers);
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "public, max-age=60");
        assert_eq!(header("vary"), "accept-language");
    }
    let posted = {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(world.address).unwrap();
        write!(stream, "POST {path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(posted.starts_with("HTTP/1.0 405"), "{posted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_the_language_that_is_asked_for() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    let path = format!("/c/{}", issued[0].statement().serial);
    for (query, headers, language) in [
        ("", "", "en"),
        ("", "Accept-Language: nl-NL,nl;q=0.9,en;q=0.8\r\n", "nl"),
        ("?lang=nl", "Accept-Language: en\r\n", "nl"),
        ("?lang=en", "Accept-Language: nl\r\n", "en"),
        ("?lang=xx", "Accept-Language: nl\r\n", "nl"),
        ("?lang=%3Cscript%3E", "", "en"),
        ("?lang=nl&lang=nl", "", "en"),
    ] {
        let page = world.get_with(&format!("{path}{query}"), headers);
        assert_eq!(page.status, 200, "{query}");
        assert!(page.body.contains(&format!("<html lang=\"{language}\">")), "{query} {headers}");
    }
    let missing = world.get_with("/c/x", "Accept-Language: nl\r\n");
    assert!(missing.body.contains("Dit certificaat bestaat niet"), "{}", missing.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_it_is_told_so() {
    let world = World::without_store().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    for form in ["", ".svg", ".txt"] {
        let answer = world.get(&format!("/c/{}{form}", issued[0].statement().serial));
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(answer.headers.contains_key("retry-after"));
        assert!(!answer.body.contains("No longer valid"), "{}", answer.body);
    }
    assert_eq!(world.get("/c/key.pem").status, 200);
    assert_eq!(world.get("/c/x").status, 404, "what is no number needs no store");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_there_are_no_certificates() {
    let address = serve(None).await;
    assert_eq!(get(address, "/c/0000000000000000", "").status, 404);
    assert_eq!(get(address, "/healthz", "").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_remembered_for_a_while() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    world.plan(DOMAIN, 60, Some(5.0), "reject").await;
    let text = format!("[[group]]\nname = \"acme\"\ndomains = [\"{DOMAIN}\"]\n");
    let registry = Shared::fixed(Registry::parse(&text, "domains.toml").unwrap());
    let register = Register::remembering(&world.issuer, registry, Duration::from_secs(3_600));
    register.open(world.store.clone());
    let address = serve(Some(register)).await;
    let path = format!("/c/{}", issued[0].statement().serial);
    assert!(get(address, &path, "").body.contains("<body class=\"valid\">"));
    let later = Serial::random().unwrap();
    assert_eq!(get(address, &format!("/c/{later}"), "").status, 404);
    world.execute("DROP TABLE certificates").await;
    assert!(get(address, &path, "").body.contains("<body class=\"valid\">"));
    assert_eq!(get(address, &format!("/c/{later}"), "").status, 404);
    let fresh = Serial::random().unwrap();
    assert_eq!(get(address, &format!("/c/{fresh}"), "").status, 503, "a store that fails is away");
}
