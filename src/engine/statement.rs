//! What kind of statement a request brings, and where its data begins.
//!
//! ClickHouse's HTTP interface joins the `query` parameter and the body to one text; for an `INSERT`, the
//! data is whatever follows `FORMAT name` or `VALUES` in it. The engine wants the two apart, and the data may
//! be endless, so the cut has to be found before the whole text is there.

use super::lexer::{Kind, Lexer, Token, Unfinished};

/// What the beginning of a text is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Scan {
    /// More text is needed to tell.
    Unfinished,
    /// An `INSERT` whose data follows.
    Insert(Insert),
    /// Anything else: the whole text is the statement.
    Other,
}

/// An `INSERT` whose data follows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Insert {
    /// The statement without `FORMAT` and data.
    pub(super) head: Vec<u8>,
    /// The format's name; empty for `VALUES`.
    pub(super) format: String,
    /// Where the data begins in the text.
    pub(super) data: usize,
}

/// What is known of a whole statement that is not an [`Insert`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Traits {
    /// The name in its `FORMAT` clause.
    pub(super) format: Option<String>,
    /// The library's stream would put something in the wrong place; such results are collected.
    pub(super) needs_whole: bool,
    /// Why the engine must not see it.
    pub(super) refused: Option<Refused>,
}

/// Statements that a server does not run for a client over HTTP, or that would end this process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    /// `SYSTEM SHUTDOWN` and `SYSTEM KILL`: the engine sends a signal to its whole process group.
    Shutdown,
    /// `INTO OUTFILE`: the client's part of ClickHouse, which this library contains, would write a file.
    IntoOutfile,
    /// `FROM INFILE`: it would read one.
    FromInfile,
    /// More than one statement.
    Several,
    /// Nothing, or one word: no statement, but perhaps `exit`, which the client's part takes as a command.
    Empty,
}

/// Looks at the beginning of `text`; `complete` says that nothing follows it.
pub(super) fn scan(text: &[u8], complete: bool) -> Scan {
    match find_insert(text, complete) {
        Ok(Some(insert)) => Scan::Insert(insert),
        Ok(None) => Scan::Other,
        Err(Unfinished) => Scan::Unfinished,
    }
}

/// Looks at a whole statement.
pub(super) fn traits(text: &[u8]) -> Traits {
    let mut traits = Traits::default();
    let mut lexer = Lexer::new(text, true);
    let mut before: Option<Token> = None;
    let mut count = 0_usize;
    while let Ok(Some(token)) = lexer.next() {
        count += usize::from(token.kind != Kind::Symbol(b';'));
        if let Some(before) = before {
            if lexer.is(before, "FORMAT") && token.kind == Kind::Word {
                traits.format = String::from_utf8(lexer.text_of(token).to_vec()).ok();
            }
            if before.kind == Kind::Symbol(b';') && token.kind != before.kind {
                traits.refused = traits.refused.or(Some(Refused::Several));
            }
            traits.needs_whole |= lexer.is(before, "WITH") && lexer.is(token, "TOTALS");
            let shuts_down = lexer.is(token, "SHUTDOWN") || lexer.is(token, "KILL");
            if lexer.is(before, "SYSTEM") && shuts_down && count == 2 {
                traits.refused = Some(Refused::Shutdown);
            } else if lexer.is(before, "INTO") && lexer.is(token, "OUTFILE") {
                traits.refused = Some(Refused::IntoOutfile);
            } else if lexer.is(before, "FROM") && lexer.is(token, "INFILE") {
                traits.refused = Some(Refused::FromInfile);
            }
        }
        traits.needs_whole |= NEED_WHOLE.iter().any(|setting| lexer.is(token, setting));
        before = Some(token);
    }
    if count <= 1 {
        traits.refused = Some(Refused::Empty);
    }
    traits
}

fn find_insert(text: &[u8], complete: bool) -> Result<Option<Insert>, Unfinished> {
    let mut lexer = Lexer::new(text, complete);
    let Some(first) = lexer.next()? else { return Ok(None) };
    if !lexer.is(first, "INSERT") {
        return Ok(None);
    }
    let Some(mut token) = lexer.next()? else { return Ok(None) };
    for keyword in ["INTO", "TABLE", "FUNCTION"] {
        if lexer.is(token, keyword) {
            match lexer.next()? {
                Some(next) => token = next,
                None => return Ok(None),
            }
        }
    }
    // The target's name, whose parts may well be called `format`: `a.b`, `` `a`.b ``, `{a:Identifier}`.
    loop {
        if token.kind == Kind::Symbol(b'{') {
            lexer.skip_brackets()?;
        }
        let name_end = lexer;
        match lexer.next()? {
            Some(dot) if dot.kind == Kind::Symbol(b'.') => match lexer.next()? {
                Some(part) => token = part,
                None => return Ok(None),
            },
            _ => {
                lexer = name_end;
                break;
            }
        }
    }
    // Columns, SETTINGS, PARTITION BY, in whatever order, until what brings the data.
    while let Some(token) = lexer.next()? {
        if matches!(token.kind, Kind::Symbol(b'(' | b'[' | b'{')) {
            lexer.skip_brackets()?;
        } else if lexer.is(token, "VALUES") {
            let head = text.get(..token.end).unwrap_or_default().to_vec();
            return Ok(Some(Insert { head, format: String::new(), data: token.end }));
        } else if lexer.is(token, "FORMAT") {
            return format_clause(text, complete, lexer, token);
        } else if ["SELECT", "WITH", "WATCH", "FROM"].iter().any(|keyword| lexer.is(token, keyword)) {
            return Ok(None);
        }
    }
    Ok(None)
}

/// `FORMAT name [SETTINGS …]` and the white space before the data.
fn format_clause(
    text: &[u8],
    complete: bool,
    mut lexer: Lexer<'_>,
    keyword: Token,
) -> Result<Option<Insert>, Unfinished> {
    let Some(name) = lexer.next()? else { return Ok(None) };
    let Ok(format) = String::from_utf8(lexer.text_of(name).to_vec()) else { return Ok(None) };
    if name.kind != Kind::Word {
        return Ok(None);
    }
    let mut head = text.get(..keyword.start).unwrap_or_default().to_vec();
    let mut end = name.end;
    if let Some(settings) = settings_clause(text, complete, lexer)? {
        head.extend_from_slice(text.get(settings.start..settings.end).unwrap_or_default());
        end = settings.end;
    }
    Ok(Some(Insert { head, format, data: skip_to_data(text, complete, end)? }))
}

/// `SETTINGS a = 1, b = 'x'` right after the format's name. What looks like it but is not is data.
fn settings_clause(text: &[u8], complete: bool, mut lexer: Lexer<'_>) -> Result<Option<Token>, Unfinished> {
    // Data is not SQL, so it is not given to the lexer before its first word is known.
    let rest = text.get(lexer.position()..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let word = rest.get(blank..).unwrap_or_default();
    let compared = word.len().min(KEYWORD.len());
    let (word, keyword) = (word.get(..compared).unwrap_or_default(), KEYWORD.as_bytes());
    if !word.eq_ignore_ascii_case(keyword.get(..compared).unwrap_or_default()) {
        return Ok(None);
    }
    if compared < keyword.len() {
        return if complete { Ok(None) } else { Err(Unfinished) };
    }
    let Some(mut clause) = lexer.next()? else { return Ok(None) };
    if !lexer.is(clause, KEYWORD) {
        return Ok(None);
    }
    loop {
        let (Some(name), Some(equals), Some(mut value)) = (lexer.next()?, lexer.next()?, lexer.next()?)
        else {
            return Ok(None);
        };
        if value.kind == Kind::Symbol(b'-') {
            match lexer.next()? {
                Some(number) => value = number,
                None => return Ok(None),
            }
        }
        let is_setting = name.kind == Kind::Word
            && equals.kind == Kind::Symbol(b'=')
            && matches!(value.kind, Kind::Word | Kind::String);
        if !is_setting {
            return Ok(None);
        }
        clause.end = value.end;
        // A line break ends the clause: what follows is data, comma or not.
        match text.get(value.end) {
            Some(b',') => {
                lexer.next()?;
            }
            Some(_) => return Ok(Some(clause)),
            None if complete => return Ok(Some(clause)),
            None => return Err(Unfinished),
        }
    }
}

/// Data begins after the first line break, or after the blanks when there is none.
fn skip_to_data(text: &[u8], complete: bool, from: usize) -> Result<usize, Unfinished> {
    let mut at = from;
    let byte = |at: usize| text.get(at).copied();
    while let Some(b' ' | b'\t' | 0x0c) = byte(at) {
        at += 1;
    }
    if byte(at) == Some(b'\r') {
        at += 1;
    }
    if byte(at) == Some(b'\n') {
        return Ok(at + 1);
    }
    if at >= text.len() && !complete { Err(Unfinished) } else { Ok(at) }
}

/// Settings that, like `WITH TOTALS`, give a result a beginning or an end.
pub(super) const NEED_WHOLE: [&str; 2] = ["extremes", "output_format_json_array_of_rows"];

const KEYWORD: &str = "SETTINGS";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn insert(text: &str, head: &str, format: &str, data: &str) {
        let Scan::Insert(insert) = scan(text.as_bytes(), true) else { panic!("no insert: {text}") };
        assert_eq!(String::from_utf8_lossy(&insert.head), head);
        assert_eq!(insert.format, format);
        assert_eq!(text.split_at(insert.data).1, data);
    }

    #[test]
    fn finds_the_data_of_inserts() {
        insert("INSERT INTO t FORMAT TSV\n1\t2\n", "INSERT INTO t ", "TSV", "1\t2\n");
        insert("insert t format TSV \r\n1", "insert t ", "TSV", "1");
        insert("INSERT INTO a.b (x, y) VALUES (1, 2)", "INSERT INTO a.b (x, y) VALUES", "", " (1, 2)");
        insert("INSERT INTO format.values FORMAT CSV 1", "INSERT INTO format.values ", "CSV", "1");
        insert("INSERT INTO `format` (`values`) FORMAT CSV\n", "INSERT INTO `format` (`values`) ", "CSV", "");
        insert("INSERT INTO {t:Identifier} FORMAT CSV\n", "INSERT INTO {t:Identifier} ", "CSV", "");
        insert(
            "INSERT INTO {d:Identifier}.{t:Identifier} FORMAT CSV\n",
            "INSERT INTO {d:Identifier}.{t:Identifier} ",
            "CSV",
            "",
        );
        insert(
            "-- FORMAT\nINSERT INTO /* VALUES */ t SETTINGS a='FORMAT' FORMAT JSONEachRow\n{}",
            "-- FORMAT\nINSERT INTO /* VALUES */ t SETTINGS a='FORMAT' ",
            "JSONEachRow",
            "{}",
        );
        insert(
            "INSERT INTO TABLE FUNCTION file('x', 'CSV') FORMAT CSV\n1",
            "INSERT INTO TABLE FUNCTION file('x', 'CSV') ",
            "CSV",
            "1",
        );
    }

    #[test]
    fn moves_settings_from_behind_the_format() {
        insert(
            "INSERT INTO t FORMAT CSV settings a = 1, b='x\\'y', c=-1\n1,2",
            "INSERT INTO t settings a = 1, b='x\\'y', c=-1",
            "CSV",
            "1,2",
        );
        insert("INSERT INTO t FORMAT TSV\nsettings of old\t1", "INSERT INTO t ", "TSV", "settings of old\t1");
        insert("INSERT INTO t FORMAT TSV\n'quoted", "INSERT INTO t ", "TSV", "'quoted");
        insert("INSERT INTO t FORMAT CSV SETTINGS a=1\n,2", "INSERT INTO t SETTINGS a=1", "CSV", ",2");
    }

    #[test]
    fn leaves_other_statements_alone() {
        for text in [
            "",
            "SELECT 1 FORMAT TSV",
            "INSERT INTO t SELECT 1 FORMAT TSV",
            "INSERT INTO t (SELECT 1)",
            "INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x",
            "INSERT INTO t FROM INFILE 'x' FORMAT CSV",
            "INSERT INTO",
            "INSERT INTO t",
            "INSERT INTO t FORMAT",
            "EXPLAIN INSERT INTO t VALUES (1)",
            "'unterminated",
        ] {
            assert_eq!(scan(text.as_bytes(), true), Scan::Other, "{text}");
        }
    }

    #[test]
    fn knows_traits() {
        assert_eq!(traits(b"SELECT 'FORMAT CSV' FORMAT JSON;").format.as_deref(), Some("JSON"));
        assert_eq!(traits(b"SELECT format('{}', 1)").format, None);
        assert!(traits(b"SELECT a, count() GROUP BY a WITH /* x */ TOTALS").needs_whole);
        for (text, refused) in [
            ("SYSTEM -- x\n shutdown", Refused::Shutdown),
            ("system KILL", Refused::Shutdown),
            ("SELECT 1 INTO OUTFILE 'x'", Refused::IntoOutfile),
            ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", Refused::FromInfile),
            ("SELECT 1; -- x\n ; SELECT 2", Refused::Several),
            (" quit;", Refused::Empty),
            ("-- nothing", Refused::Empty),
        ] {
            assert_eq!(traits(text.as_bytes()).refused, Some(refused), "{text}");
        }
        assert_eq!(traits(b"SELECT 'INTO OUTFILE', system, shutdown").refused, None);
        assert_eq!(traits(b"KILL QUERY WHERE 1").refused, None);
        assert_eq!(traits(b"SELECT 'a; b'; -- the end").refused, None);
    }

    proptest! {
        /// However the text is cut on its way here, the answer is the one for the whole text.
        #[test]
        fn cutting_changes_nothing(
            parts in prop::collection::vec(
                prop_oneof![
                    Just("INSERT"), Just("INTO"), Just("t"), Just("."), Just("("), Just(")"), Just("FORMAT"),
                    Just("VALUES"), Just("SETTINGS"), Just("a=1"), Just(","), Just("SELECT"), Just("CSV"),
                    Just("'x"), Just("'"), Just("`"), Just("\n"), Just("-- c\n"), Just("/*"), Just("*/"), Just("\\"),
                    Just("$a$"), Just("{"), Just("}"), Just("\u{e9}"), Just("1"),
                ],
                0..24,
            ),
            glue in prop::bool::ANY,
        ) {
            let text = parts.join(if glue { " " } else { "" });
            let whole = scan(text.as_bytes(), true);
            for (cut, _) in text.char_indices() {
                match scan(text.as_bytes().get(..cut).unwrap(), false) {
                    Scan::Unfinished => {}
                    early => prop_assert_eq!(&early, &whole, "cut at {} of {:?}", cut, &text),
                }
            }
        }

        #[test]
        fn never_panics(text in prop::collection::vec(any::<u8>(), 0..200)) {
            scan(&text, true);
            scan(&text, false);
            traits(&text);
        }
    }
}
