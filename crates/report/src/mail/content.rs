use std::io::{self, BufRead};

use super::arf::Arf;
use super::headers::Mime;
use super::peek::Peeked;
use super::sniff::{HEAD, Kind, Root, guess_boundary};
use super::transfer::Base64;
use super::unpack::{Format, Inflate};
use super::walk::{Level, Walk};
use super::{Content, MailError};

/// What is known of a content besides its bytes.
#[derive(Clone, Debug)]
pub(super) struct Hint {
    /// Base64 was removed already because it looked like it.
    guessed: bool,
    /// Text that is shown rather than attached: only a report that cannot be mistaken counts.
    inline_text: bool,
    /// Image, sound, video or font.
    media: bool,
    name: Option<String>,
    /// Nothing said what it is: the message, or the part, has no content type.
    untyped: bool,
}

impl Hint {
    /// A file of its own.
    pub(super) fn file(name: &str) -> Self {
        Self { guessed: false, inline_text: false, media: false, name: Some(name.to_owned()), untyped: true }
    }

    /// A MIME part.
    pub(super) fn part(mime: &Mime) -> Self {
        let text = mime.kind == "text" && mime.subtype != "xml" || mime.kind.is_empty();
        Self {
            guessed: false,
            inline_text: text && !mime.attachment && mime.name.is_none() || mime.is("text", "html"),
            media: matches!(mime.kind.as_str(), "image" | "audio" | "video" | "font"),
            name: mime.name.clone(),
            untyped: mime.kind.is_empty(),
        }
    }

    /// Something inside an archive.
    pub(super) fn inside(&self) -> Self {
        Self { guessed: self.guessed, inline_text: false, media: false, name: None, untyped: true }
    }

    fn is_outlook(&self) -> bool {
        self.name.as_deref().is_none_or(|name| {
            let extension = name.rsplit_once('.').map_or("msg", |(_, extension)| extension);
            extension.eq_ignore_ascii_case("msg") || extension.eq_ignore_ascii_case("eml")
        })
    }

    fn admits(&self, root: Root) -> bool {
        match root {
            Root::Feedback => true,
            Root::Page => false,
            Root::Declared => !self.media,
            Root::Unclear => !self.inline_text && !self.media,
        }
    }
}

impl Walk<'_> {
    /// Looks at decoded bytes and does what they are.
    pub(super) fn content(
        &mut self,
        input: &mut dyn BufRead,
        hint: &Hint,
        at: Level,
        arf: Option<&mut Arf>,
    ) -> io::Result<()> {
        let mut input = match Peeked::read(HEAD, input) {
            Ok(input) => input,
            // An archive whose first bytes cannot be had.
            Err(error) => return self.own_fault(error),
        };
        match Kind::of(input.head()) {
            Kind::Base64 if !hint.guessed => {
                let hint = Hint { guessed: true, ..hint.clone() };
                self.content(&mut Base64::new(&mut input), &hint, at, arf)
            }
            Kind::Encrypted(_) if hint.media => Ok(()),
            Kind::Encrypted(format) => {
                self.refuse(MailError::Encrypted { format });
                Ok(())
            }
            Kind::Feedback => self.feedback(&mut input, arf),
            Kind::Gzip => self.inflate(&mut input, Format::Gzip, hint, at),
            Kind::Zlib => self.inflate(&mut input, Format::Zlib, hint, at),
            Kind::Json => {
                self.tell(Content::Tls(&mut input));
                Ok(())
            }
            Kind::Xml(root) if hint.admits(root) => {
                self.tell(Content::Aggregate(&mut input));
                Ok(())
            }
            Kind::Message => self.inner_message(&mut input, hint, at, arf),
            Kind::Multipart if hint.untyped => {
                let boundary = guess_boundary(input.head()).map(<[u8]>::to_vec).unwrap_or_default();
                self.parts(&Mime::default(), &mut input, &boundary, "", at)
            }
            Kind::Signed => self.signed(&mut input, at),
            Kind::TextFailure if self.limits.text_failures => self.text_failure(&mut input, arf),
            Kind::Tnef => self.archive(at, |walk, at| walk.tnef(&mut input, hint, at)),
            Kind::Zip => self.archive(at, |walk, at| walk.zip(&mut input, hint, at)),
            Kind::Unsupported(format) if super::sniff::is_outlook(format) && !hint.is_outlook() => Ok(()),
            Kind::Unsupported(format) => {
                self.refuse(MailError::UnsupportedArchive { format: format.to_owned() });
                Ok(())
            }
            Kind::Base64 | Kind::Multipart | Kind::Nothing | Kind::TextFailure | Kind::Xml(_) => Ok(()),
        }
    }

    fn inflate(&mut self, input: &mut dyn BufRead, format: Format, hint: &Hint, at: Level) -> io::Result<()> {
        let budget = self.budget;
        self.archive(at, |walk, at| {
            let inside = Level { packed: true, ..at };
            walk.content(&mut Inflate::new(input, format, budget, !at.packed), &hint.inside(), inside, None)
        })
    }

    /// Goes one archive deeper. What fails in there is that archive's own fault.
    fn archive(
        &mut self,
        at: Level,
        inside: impl FnOnce(&mut Self, Level) -> io::Result<()>,
    ) -> io::Result<()> {
        if at.archive >= self.limits.archive_depth {
            self.refuse(MailError::LimitArchiveDepth { limit: self.limits.archive_depth });
            return Ok(());
        }
        let depth = self.path.len();
        let outcome = inside(self, Level { archive: at.archive + 1, ..at });
        self.path.truncate(depth);
        outcome.or_else(|error| self.own_fault(error))
    }

    /// A message by its content: a bare file, an attachment that does not say so, or one in an archive.
    fn inner_message(
        &mut self,
        input: &mut dyn BufRead,
        hint: &Hint,
        at: Level,
        arf: Option<&mut Arf>,
    ) -> io::Result<()> {
        if let Some(arf) =
            arf.filter(|arf| arf.expects_message() && (!hint.inline_text || arf.has_feedback()))
        {
            return self.reported_message(input, arf);
        }
        if hint.inline_text || hint.media {
            return Ok(());
        }
        self.message(input, "", Level { message: at.message + 1, ..at }).map(drop)
    }
}
