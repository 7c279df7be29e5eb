//! Any text as an SPF record: every place is within it, and what macros stand for can be told.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ruad_dns::spf::{MacroString, Meaning, Place, Record, Values};

fuzz_target!(|text: &str| {
    let values = Values {
        address: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].into(),
        local_part: text,
        sender_domain: "sender.example",
        domain: "domain.example",
        helo: text,
        client_name: "unknown",
        receiver: "receiver.example",
        time: 0,
    };
    if let Ok(explanation) = MacroString::parse(text, Place::Explanation) {
        explanation.expand(&values);
    }
    let Some(record) = Record::parse(&format!("v=spf1 {text}")) else { panic!("it starts with the version") };
    for term in &record.terms {
        assert!(!record.written(&term.at).is_empty());
        if let Meaning::Directive(_, mechanism) = &term.meaning
            && let Some(domain) = mechanism.domain()
        {
            domain.expand_domain(&values);
        }
    }
    for fault in &record.faults {
        assert!(!record.written(&fault.at).is_empty());
        assert!(record.text.get(fault.term.clone()).is_some());
    }
});
