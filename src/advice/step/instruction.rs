//! What exactly a step asks for, and records as lines of a zone file (RFC 1035 section 5).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What exactly to do.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Instruction {
    /// Publish a record.
    Publish {
        /// Its name, without a final dot.
        name: String,
        /// Its type.
        kind: RecordType,
        /// How long it may be remembered; seconds.
        ttl: u32,
        /// Its value.
        value: String,
        /// The record that it takes the place of, as it stands now.
        replaces: Option<String>,
    },
    /// Delete a record.
    Remove {
        /// Its name, without a final dot.
        name: String,
        /// Its type.
        kind: RecordType,
        /// Its value as it stands now.
        value: String,
    },
    /// Put a file on a web server.
    Serve {
        /// Its address.
        url: String,
        /// Its text.
        text: String,
    },
    /// Change a setting at a sender: `config/sources.toml` knows where.
    Setting {
        /// The id of the service; empty when it is not a known one.
        service: String,
        /// Where and what, when the catalogue knows; in English.
        hint: Option<String>,
        /// Where that is written down.
        link: Option<String>,
    },
    /// Run a command here.
    Run {
        /// The command line.
        command: String,
    },
}

/// Types of records that steps deal with.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// Another name.
    Cname,
    /// A host that receives mail.
    Mx,
    /// A text.
    Txt,
}

impl Instruction {
    /// The line of a zone file that does it; a comment for a record that is to be deleted, nothing for what is no record.
    pub fn zone_line(&self) -> Option<String> {
        match self {
            Self::Publish { name, kind, ttl, value, .. } => {
                Some(format!("{name}. {ttl} IN {kind} {}", data(*kind, value)))
            }
            Self::Remove { name, kind, value } => {
                let line = format!("; delete: {name}. IN {kind} {}", data(*kind, value));
                Some(line.trim_end().to_owned())
            }
            Self::Serve { .. } | Self::Setting { .. } | Self::Run { .. } => None,
        }
    }

    /// The name, the type and the new value, when it publishes a record.
    pub fn published(&self) -> Option<(&str, RecordType, &str)> {
        match self {
            Self::Publish { name, kind, value, .. } => Some((name, *kind, value)),
            _ => None,
        }
    }
}

impl RecordType {
    /// As zone files have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Txt => "TXT",
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

fn data(kind: RecordType, value: &str) -> String {
    match kind {
        RecordType::Txt => strings(value),
        RecordType::Cname if !value.is_empty() && !value.ends_with('.') => format!("{value}."),
        _ => value.to_owned(),
    }
}

/// A text as strings of at most 255 bytes, quoted.
fn strings(value: &str) -> String {
    let mut strings = vec![String::new()];
    let mut size = 0;
    for character in value.chars() {
        if size + character.len_utf8() > LONGEST_STRING {
            strings.push(String::new());
            size = 0;
        }
        size += character.len_utf8();
        if let Some(last) = strings.last_mut() {
            match character {
                '"' | '\\' => last.extend(['\\', character]),
                // Whatever is not printable ASCII is written byte by byte.
                ' '..='~' => last.push(character),
                _ => {
                    let mut bytes = [0; 4];
                    for byte in character.encode_utf8(&mut bytes).bytes() {
                        last.push_str(&format!("\\{byte:03}"));
                    }
                }
            }
        }
    }
    strings.iter().map(|string| format!("\"{string}\"")).collect::<Vec<_>>().join(" ")
}

const LONGEST_STRING: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(kind: RecordType, value: &str) -> String {
        let name = "s._domainkey.a.example".to_owned();
        let instruction = Instruction::Publish { name, kind, ttl: 60, value: value.into(), replaces: None };
        instruction.zone_line().unwrap()
    }

    #[test]
    fn records_are_lines_of_a_zone_file() {
        assert_eq!(publish(RecordType::Mx, "0 ."), "s._domainkey.a.example. 60 IN MX 0 .");
        assert_eq!(publish(RecordType::Cname, "b.example"), "s._domainkey.a.example. 60 IN CNAME b.example.");
        assert_eq!(
            publish(RecordType::Txt, "a \"b\\ ä;"),
            "s._domainkey.a.example. 60 IN TXT \"a \\\"b\\\\ \\195\\164;\""
        );
        let remove =
            Instruction::Remove { name: "a.example".into(), kind: RecordType::Txt, value: "x".into() };
        assert_eq!(remove.zone_line().unwrap(), "; delete: a.example. IN TXT \"x\"");
        assert_eq!(Instruction::Run { command: "x".into() }.zone_line(), None);
    }

    #[test]
    fn long_texts_are_split_without_losing_anything() {
        let value: String = ('a'..='z').cycle().take(600).collect();
        let line = publish(RecordType::Txt, &value);
        let strings: Vec<_> = line.split('"').skip(1).step_by(2).collect();
        assert_eq!(strings.iter().map(|string| string.len()).collect::<Vec<_>>(), [255, 255, 90]);
        assert_eq!(strings.concat(), value);
        assert_eq!(
            publish(RecordType::Txt, &value.chars().take(255).collect::<String>()).matches('"').count(),
            2
        );
    }

    /// What was stored years ago is read by the documents of today.
    #[test]
    fn what_is_stored_can_be_read() {
        let stored = r#"[
            {"what":"publish","name":"a.example","kind":"TXT","ttl":3600,"value":"v=DMARC1; p=none","replaces":null},
            {"what":"remove","name":"a.example","kind":"CNAME","value":"b.example"},
            {"what":"serve","url":"https://a.example","text":"b"},
            {"what":"setting","service":"","hint":null,"link":"c"},
            {"what":"run","command":"ruad"}]"#;
        let name = || "a.example".to_owned();
        let value = "v=DMARC1; p=none".to_owned();
        let instructions = [
            Instruction::Publish { name: name(), kind: RecordType::Txt, ttl: 3600, value, replaces: None },
            Instruction::Remove { name: name(), kind: RecordType::Cname, value: "b.example".to_owned() },
            Instruction::Serve { url: "https://a.example".to_owned(), text: "b".to_owned() },
            Instruction::Setting { service: String::new(), hint: None, link: Some("c".to_owned()) },
            Instruction::Run { command: "ruad".to_owned() },
        ];
        assert_eq!(serde_json::from_str::<Vec<Instruction>>(stored).unwrap(), instructions);
        let written = serde_json::to_value(&instructions).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(stored).unwrap());
        for kind in [RecordType::Cname, RecordType::Mx, RecordType::Txt] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
