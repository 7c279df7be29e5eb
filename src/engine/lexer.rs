//! Cuts ClickHouse SQL into tokens, just far enough to find where a statement's data begins.

/// One token and where it lies in the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A bare word or a number.
    Word,
    /// A quoted identifier: `` `a` `` or `"a"`.
    Identifier,
    /// A string: `'a'` or `$tag$a$tag$`.
    String,
    /// Anything else, one byte long.
    Symbol(u8),
}

/// The text ended inside a token, a comment or the white space before one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Unfinished;

#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'text> {
    text: &'text [u8],
    at: usize,
    /// No more text will come: what stands at its end is complete.
    complete: bool,
}

impl<'text> Lexer<'text> {
    pub(super) fn new(text: &'text [u8], complete: bool) -> Self {
        Self { text, at: 0, complete }
    }

    /// The next token; `None` at the end of a complete text.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Unfinished> {
        self.skip_blank()?;
        let start = self.at;
        let Some(&first) = self.text.get(start) else {
            return if self.complete { Ok(None) } else { Err(Unfinished) };
        };
        let kind = match first {
            b'\'' => self.quoted(first, Kind::String)?,
            b'`' | b'"' => self.quoted(first, Kind::Identifier)?,
            b'$' => self.heredoc()?,
            _ if is_word(first) => {
                self.at += self.rest().iter().take_while(|&&byte| is_word(byte)).count();
                if self.at == self.text.len() && !self.complete {
                    return Err(Unfinished);
                }
                Kind::Word
            }
            _ => {
                self.at += 1;
                Kind::Symbol(first)
            }
        };
        Ok(Some(Token { kind, start, end: self.at }))
    }

    /// Where the next token is looked for.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The token's text.
    pub(super) fn text_of(&self, token: Token) -> &'text [u8] {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Whether the token is this keyword, in any case.
    pub(super) fn is(&self, token: Token, keyword: &str) -> bool {
        token.kind == Kind::Word && self.text_of(token).eq_ignore_ascii_case(keyword.as_bytes())
    }

    /// Goes past everything up to the bracket that closes the one just read.
    pub(super) fn skip_brackets(&mut self) -> Result<(), Unfinished> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()? {
                None => return Ok(()),
                Some(Token { kind: Kind::Symbol(b'(' | b'[' | b'{'), .. }) => depth += 1,
                Some(Token { kind: Kind::Symbol(b')' | b']' | b'}'), .. }) => depth -= 1,
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn rest(&self) -> &'text [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// White space and comments.
    fn skip_blank(&mut self) -> Result<(), Unfinished> {
        loop {
            let rest = self.rest();
            let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
            self.at += blank;
            let rest = rest.get(blank..).unwrap_or_default();
            let end = if rest.starts_with(b"--") || rest.starts_with(b"# ") || rest.starts_with(b"#!") {
                memchr::memchr(b'\n', rest).map(|at| at + 1)
            } else if rest.starts_with(b"/*") {
                memchr::memmem::find(rest, b"*/").map(|at| at + 2)
            } else if !self.complete && matches!(rest, b"-" | b"#" | b"/") {
                None
            } else {
                return Ok(());
            };
            match end {
                Some(end) => self.at += end,
                None if self.complete => self.at = self.text.len(),
                None => return Err(Unfinished),
            }
        }
    }

    /// A quoted token; the quote is escaped by a backslash or by doubling it.
    fn quoted(&mut self, quote: u8, kind: Kind) -> Result<Kind, Unfinished> {
        let mut at = self.at + 1;
        while let Some(&byte) = self.text.get(at) {
            let next = self.text.get(at + 1);
            if byte == b'\\' || (byte == quote && next == Some(&quote)) {
                at += 2;
            } else if byte == quote {
                if next.is_none() && !self.complete {
                    return Err(Unfinished);
                }
                self.at = at + 1;
                return Ok(kind);
            } else {
                at += 1;
            }
        }
        self.unterminated(kind)
    }

    /// `$tag$ … $tag$`, or a lone dollar sign.
    fn heredoc(&mut self) -> Result<Kind, Unfinished> {
        let rest = self.rest();
        let name = rest.iter().skip(1).take_while(|&&byte| is_word(byte)).count();
        match rest.get(name + 1) {
            None if !self.complete => return Err(Unfinished),
            Some(b'$') => {}
            _ => {
                self.at += 1;
                return Ok(Kind::Symbol(b'$'));
            }
        }
        let (tag, body) = rest.split_at(name + 2);
        match memchr::memmem::find(body, tag) {
            Some(end) => {
                self.at += tag.len() + end + tag.len();
                Ok(Kind::String)
            }
            None => self.unterminated(Kind::String),
        }
    }

    /// The text ends inside a string: the engine will say so.
    fn unterminated(&mut self, kind: Kind) -> Result<Kind, Unfinished> {
        if !self.complete {
            return Err(Unfinished);
        }
        self.at = self.text.len();
        Ok(kind)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
