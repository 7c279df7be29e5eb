//! Names that look like others.

use unicode_security::{RestrictionLevel, RestrictionLevelDetection, confusable_detection::skeleton};

/// What a name looks like: two names with the same looks are taken for each other (Unicode technical standard 39,
/// section 4). Case and everything but letters and digits are left out.
pub(super) fn looks(name: &str) -> String {
    let lower = name.to_lowercase();
    let looks: String = skeleton(&lower).filter(|letter| letter.is_alphanumeric()).collect();
    looks.to_lowercase()
}

/// The same of a name whose capitals are looked at as they are: `GoogIe` with a capital i.
pub(super) fn looks_as_written(name: &str) -> String {
    let looks: String = skeleton(name).filter(|letter| letter.is_alphanumeric()).collect();
    // A capital that stands for itself looks like its small letter.
    self::looks(&looks)
}

/// Whether a name is written to look like another: in letters of several scripts that do not belong together, or with
/// characters that are not seen or turn others around.
pub(super) fn is_odd(name: &str) -> bool {
    let letters: String = name.chars().filter(|letter| letter.is_alphanumeric()).collect();
    name.chars().any(|letter| letter.is_control() || is_unseen(letter))
        || !letters.check_restriction_level(RestrictionLevel::HighlyRestrictive)
}

/// Format characters (Unicode 17, category Cf), line separators and fillers.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}
