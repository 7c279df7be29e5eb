//! Instructions as lines of a zone file (RFC 1035 section 5).

use super::Instruction;

impl Instruction {
    /// The line of a zone file that does it; a comment for a record that is to be deleted, nothing for what is no record.
    pub fn zone_line(&self) -> Option<String> {
        match self {
            Self::Publish { name, kind, ttl, value, .. } => {
                Some(format!("{name}. {ttl} IN {kind} {}", data(kind, value)))
            }
            Self::Remove { name, kind, value } => {
                let line = format!("; delete: {name}. IN {kind} {}", data(kind, value));
                Some(line.trim_end().to_owned())
            }
            Self::Serve { .. } | Self::Setting { .. } | Self::Run { .. } => None,
        }
    }

    /// The name, the type and the new value, when it publishes a record.
    pub fn published(&self) -> Option<(&str, &'static str, &str)> {
        match self {
            Self::Publish { name, kind, value, .. } => Some((name, kind, value)),
            _ => None,
        }
    }
}

fn data(kind: &str, value: &str) -> String {
    match kind {
        "TXT" => strings(value),
        "CNAME" if !value.is_empty() && !value.ends_with('.') => format!("{value}."),
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

    fn publish(kind: &'static str, value: &str) -> String {
        let name = "s._domainkey.a.example".to_owned();
        let instruction = Instruction::Publish { name, kind, ttl: 60, value: value.into(), replaces: None };
        instruction.zone_line().unwrap()
    }

    #[test]
    fn records_are_lines_of_a_zone_file() {
        assert_eq!(publish("MX", "0 ."), "s._domainkey.a.example. 60 IN MX 0 .");
        assert_eq!(publish("CNAME", "b.example"), "s._domainkey.a.example. 60 IN CNAME b.example.");
        assert_eq!(
            publish("TXT", "a \"b\\ ä;"),
            "s._domainkey.a.example. 60 IN TXT \"a \\\"b\\\\ \\195\\164;\""
        );
        let remove = Instruction::Remove { name: "a.example".into(), kind: "TXT", value: "x".into() };
        assert_eq!(remove.zone_line().unwrap(), "; delete: a.example. IN TXT \"x\"");
        assert_eq!(Instruction::Run { command: "x".into() }.zone_line(), None);
    }

    #[test]
    fn long_texts_are_split_without_losing_anything() {
        let value: String = ('a'..='z').cycle().take(600).collect();
        let line = publish("TXT", &value);
        let strings: Vec<_> = line.split('"').skip(1).step_by(2).collect();
        assert_eq!(strings.iter().map(|string| string.len()).collect::<Vec<_>>(), [255, 255, 90]);
        assert_eq!(strings.concat(), value);
        assert_eq!(publish("TXT", &value.chars().take(255).collect::<String>()).matches('"').count(), 2);
    }
}
