//! Any bytes as a mail or as a packed file, through to the parsers: every reader sees something or a refusal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ruad::intake::read::{self, Limits, Refusal, Visitor};
use ruad_report::{aggregate::{Aggregate, Record}, failure::FailureReport, tls::TlsReport};

#[derive(Default)]
struct Heard(usize);

impl Visitor for Heard {
    fn record(&mut self, _: &[String], _: &Record) {}

    fn aggregate(&mut self, _: &[String], _: Aggregate) {
        self.0 += 1;
    }

    fn tls(&mut self, _: &[String], _: TlsReport) {
        self.0 += 1;
    }

    fn failure(&mut self, _: &[String], mut report: FailureReport) {
        report.redact();
        self.0 += 1;
    }

    fn refused(&mut self, _: &[String], _: Refusal) {
        self.0 += 1;
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    for read in [read_message, read_file] {
        let mut heard = Heard::default();
        read(bytes, &limits, &mut heard);
        assert!(heard.0 > 0, "nothing was said about the message");
    }
});

fn read_message(mut bytes: &[u8], limits: &Limits, heard: &mut Heard) {
    read::message(&mut bytes, limits, heard);
}

fn read_file(mut bytes: &[u8], limits: &Limits, heard: &mut Heard) {
    read::file(&mut bytes, "input", limits, heard);
}
