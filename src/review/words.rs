use super::{Date, Month};
use ruad_common::texts::{Language, fill};

/// Texts, numbers and dates as a language writes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) language: Language,
}

impl Words {
    /// A text of `review.toml`; its key when there is none, which a test rules out.
    pub(super) fn text(self, key: &str) -> String {
        self.find(key).map_or_else(|| format!("review.{key}"), str::to_owned)
    }

    /// The same for a key that need not be there.
    pub(super) fn find(self, key: &str) -> Option<&'static str> {
        self.language.find(&format!("review.{key}"))
    }

    /// A text with values.
    pub(super) fn say(self, key: &str, values: &[(&str, &str)]) -> String {
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        fill(&self.text(key), value)
    }

    /// So many of something: `messages` has the texts `messages_one` and `messages_many`, with the number as `n`.
    pub(super) fn count(self, key: &str, number: u64) -> String {
        self.say_count(key, number, &[])
    }

    /// The same with further values.
    pub(super) fn say_count(self, key: &str, number: u64, values: &[(&str, &str)]) -> String {
        let key = format!("{key}_{}", if number == 1 { "one" } else { "many" });
        let number = self.number(number);
        let values: Vec<_> = [("n", number.as_str())].into_iter().chain(values.iter().copied()).collect();
        self.say(&key, &values)
    }

    /// A number with its thousands apart.
    pub(super) fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.char_indices() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(if self.language == Language::Nl { '.' } else { ',' });
            }
            text.push(digit);
        }
        text
    }

    /// A number with one decimal.
    pub(super) fn decimal(self, number: f64) -> String {
        let text = format!("{number:.1}");
        if self.language == Language::Nl { text.replace('.', ",") } else { text }
    }

    /// How much of a whole a part is. What is not all never reads as 100 %, and what is something never as 0 %.
    pub(super) fn share(self, part: u64, whole: u64) -> String {
        if whole == 0 {
            return "–".to_owned();
        }
        let exact = (part as f64 / whole as f64).clamp(0.0, 1.0) * 100.0;
        let tenths = match (exact * 10.0).round() {
            _ if part >= whole => 1_000.0,
            1_000.0 => 999.0,
            0.0 if part > 0 => return format!("< {}", self.percent(0.1)),
            tenths => tenths,
        };
        self.percent(tenths / 10.0)
    }

    /// A share from 0 to 1 in whole percent.
    pub(super) fn percent_of(self, share: f64) -> String {
        let number = format!("{:.0}", if share.is_finite() { share.clamp(0.0, 1.0) * 100.0 } else { 0.0 });
        self.with_sign(&number)
    }

    /// A day: `3 October 2026`.
    pub(super) fn date(self, day: u32) -> String {
        let Date { year, month, day } = Date::of(day);
        format!("{day} {} {year}", self.text(&format!("month_{month}")))
    }

    /// A day without its year, short: `3 Oct`.
    pub(super) fn short_date(self, day: u32) -> String {
        let Date { month, day, .. } = Date::of(day);
        format!("{day} {}", self.text(&format!("month_short_{month}")))
    }

    /// A month: `October 2026`.
    pub(super) fn month(self, month: Month) -> String {
        format!("{} {}", self.text(&format!("month_{}", month.number())), month.year())
    }

    /// A country by its code; the code itself when there is no name.
    pub(super) fn country(self, code: &str) -> String {
        if code.is_empty() {
            return self.text("country_unknown");
        }
        self.language.find(&format!("country.{code}")).map_or_else(|| code.to_owned(), str::to_owned)
    }

    /// The name of a stage.
    pub(super) fn stage(self, name: &str) -> String {
        self.language.find(&format!("stage.{name}")).map_or_else(|| name.to_owned(), str::to_owned)
    }

    fn percent(self, number: f64) -> String {
        let number = if number == 100.0 { "100".to_owned() } else { self.decimal(number) };
        self.with_sign(&number)
    }

    /// Dutch has a space before the sign, which must not break.
    fn with_sign(self, number: &str) -> String {
        if self.language == Language::Nl { format!("{number}\u{a0}%") } else { format!("{number}%") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EN: Words = Words { language: Language::En };
    const NL: Words = Words { language: Language::Nl };

    #[test]
    fn numbers_as_a_language_writes_them() {
        for (number, en, nl) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1,000", "1.000"),
            (1_234_567, "1,234,567", "1.234.567"),
        ] {
            assert_eq!((EN.number(number).as_str(), NL.number(number).as_str()), (en, nl));
        }
        assert_eq!((EN.decimal(4.25).as_str(), NL.decimal(4.0).as_str()), ("4.2", "4,0"));
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        for (part, whole, text) in [
            (0, 0, "–"),
            (0, 10, "0.0%"),
            (1, 3, "33.3%"),
            (10, 10, "100%"),
            (99_999, 100_000, "99.9%"),
            (1, 100_000, "< 0.1%"),
        ] {
            assert_eq!(EN.share(part, whole), text, "{part} of {whole}");
        }
        assert_eq!(NL.share(1, 3), "33,3\u{a0}%");
    }

    #[test]
    fn dates_and_countries() {
        let month: Month = "2026-10".parse().unwrap();
        assert_eq!((EN.month(month).as_str(), NL.month(month).as_str()), ("October 2026", "oktober 2026"));
        assert_eq!(EN.date(month.days().start), "1 October 2026");
        assert_eq!(NL.short_date(month.days().end - 1), "31 okt");
        assert_eq!((EN.country("NL").as_str(), NL.country("NL").as_str()), ("Netherlands", "Nederland"));
        assert_eq!(EN.country("ZZ"), "ZZ");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(EN.count("messages", 1), "1 message");
        assert_eq!(NL.count("messages", 2_000), "2.000 berichten");
    }
}
