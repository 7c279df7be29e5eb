use super::*;

fn payload(asn: u32, prefix: &str, max_length: u8) -> Payload {
    Payload { prefix: Prefix::parse(prefix).unwrap(), max_length, asn }
}

fn route(origin: u32, prefix: &str) -> Route {
    Route { prefix: Prefix::parse(prefix).unwrap(), origin }
}

#[test]
fn routes_are_validated_as_rfc_6811_says() {
    let payloads: Payloads = [
        payload(64_496, "192.0.2.0/24", 24),
        payload(64_497, "198.51.0.0/16", 20),
        payload(64_498, "198.51.100.0/24", 24),
        payload(0, "203.0.113.0/24", 32),
        payload(64_496, "2001:db8::/32", 48),
    ]
    .into_iter()
    .collect();
    let (invalid, too_long) = (State::Invalid { too_long: false }, State::Invalid { too_long: true });
    for (origin, prefix, state) in [
        (64_496, "192.0.2.0/24", State::Valid),
        (64_497, "192.0.2.0/24", invalid),
        (64_496, "192.0.2.0/25", too_long),
        (64_497, "192.0.2.128/25", invalid),
        // A ROA for a part is not about the whole.
        (64_496, "192.0.0.0/16", State::NotFound),
        (64_497, "198.51.0.0/16", State::Valid),
        (64_497, "198.51.96.0/20", State::Valid),
        (64_497, "198.51.100.0/24", too_long),
        (64_498, "198.51.100.0/24", State::Valid),
        (64_499, "198.51.100.0/24", invalid),
        (0, "203.0.113.0/24", invalid),
        (64_496, "203.0.113.0/24", invalid),
        (64_496, "2001:db8:1::/48", State::Valid),
        (64_496, "2001:db8:1:1::/64", too_long),
        (64_496, "2001:db9::/32", State::NotFound),
        (64_496, "0.0.0.0/0", State::NotFound),
    ] {
        assert_eq!(payloads.state(&route(origin, prefix)), state, "{origin} {prefix}");
    }
}

#[test]
fn what_validators_write() {
    let rpki_client = r#"{"metadata": {"buildtime": "2026-12-01T00:00:00Z", "vrps": 2}, "roas": [
        {"asn": 64496, "prefix": "192.0.2.0/24", "maxLength": 25, "ta": "ripe", "expires": 1796083200},
        {"asn": 64497, "prefix": "2001:db8::/32", "maxLength": 48, "ta": "ripe", "expires": 1796083200}],
        "bgpsec_keys": []}"#;
    let routinator = r#"{"metadata": {"generated": 1796083200}, "roas": [
        {"asn": "AS64496", "prefix": "192.0.2.0/24", "maxLength": 25, "ta": "ripe"},
        {"asn": "AS64497", "prefix": "2001:db8::/32", "maxLength": 48, "ta": "ripe"}]}"#;
    for json in [rpki_client, routinator] {
        let payloads = Payloads::read(json.as_bytes()).unwrap();
        assert_eq!(payloads.len(), 2);
        assert_eq!(payloads.state(&route(64_496, "192.0.2.128/25")), State::Valid);
        assert_eq!(payloads.state(&route(64_497, "2001:db8:5::/48")), State::Valid);
    }
    let odd = r#"{"roas": [{"asn": 1, "prefix": "192.0.2.1/24", "maxLength": 24},
        {"asn": 1, "prefix": "192.0.2.0/33", "maxLength": 33}, {"asn": 1, "prefix": "192.0.2.0/24", "maxLength": 8},
        {"asn": "x", "prefix": "192.0.2.0/24", "maxLength": 24}]}"#;
    assert!(Payloads::read(odd.as_bytes()).unwrap().is_empty());
    for wrong in ["", "{}", "[]", r#"{"roas": {}}"#, r#"{"roas": [{"asn": 1}]}"#] {
        assert!(Payloads::read(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn the_longest_routes_lead_to_an_address() {
    let dump = "%\n% RIS whois dump\n64496\t192.0.2.0/24\t300\n64497\t192.0.0.0/16\t310\n64498\t192.0.2.0/24\t290\n\
        64499\t192.0.2.0/25\t3\n{64500,64501}\t192.0.2.0/26\t300\nAS64502 2001:db8::/32 200\nnonsense\n\n";
    let mut routes = Routes::default();
    routes.add(dump.as_bytes()).unwrap();
    assert_eq!(routes.len(), 4);
    let to = |address: &str| {
        routes.to(address.parse().unwrap()).map(|route| route.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(to("192.0.2.1"), ["192.0.2.0/24 of AS64496", "192.0.2.0/24 of AS64498"]);
    assert_eq!(to("192.0.3.1"), ["192.0.0.0/16 of AS64497"]);
    assert_eq!(to("2001:db8::1"), ["2001:db8::/32 of AS64502"]);
    assert_eq!(to("198.51.100.1"), [""; 0]);
}

#[test]
fn without_routes_it_can_be_told_that_there_is_no_roa() {
    let payloads = [payload(64_496, "192.0.2.0/24", 24)].into_iter().collect();
    let tables = Tables { payloads, routes: Routes::default() };
    assert!(tables.look_up("mx.example", "192.0.2.1".parse().unwrap()).has_roa);
    assert!(!tables.look_up("mx.example", "192.0.3.1".parse().unwrap()).has_roa);
}

proptest::proptest! {
    #[test]
    fn any_file_can_be_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        drop(Routes::default().add(bytes.as_slice()));
        drop(Payloads::read(bytes.as_slice()));
    }

    #[test]
    fn what_covers_a_prefix_covers_its_parts(bits: u32, length in 0_u8..=32, more in 0_u8..=32) {
        let masked = |length: u8| u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or_default() & bits;
        let prefix = |length: u8| {
            Prefix::parse(&format!("{}/{length}", std::net::Ipv4Addr::from(masked(length)))).unwrap()
        };
        let payloads: Payloads = [Payload { prefix: prefix(length), max_length: 32, asn: 1 }].into_iter().collect();
        let state = payloads.state(&Route { prefix: prefix(more), origin: 1 });
        let expected = if more >= length { State::Valid } else { State::NotFound };
        proptest::prop_assert_eq!(state, expected);
    }
}
