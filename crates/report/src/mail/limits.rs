use serde::Deserialize;

/// Bounds on what one message may make the walk do. Each is enforced while reading and has an error of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Archives inside archives: a zip in a gzip is 2.
    pub archive_depth: usize,
    /// Entries of one zip archive, told from its directory before any of them is read.
    pub entries: usize,
    /// Bytes of a feedback part, and of the text of a failure report without one; what is beyond is cut off.
    pub feedback_bytes: u64,
    /// Bytes of one header block.
    pub header_bytes: u64,
    /// Messages inside messages.
    pub message_depth: usize,
    /// Multiparts inside multiparts, over all nested messages.
    pub mime_depth: usize,
    /// MIME parts and archive entries of one message, nested ones included.
    pub parts: usize,
    /// Unpacked bytes for one packed byte, counted over the message from 10 MiB of output on.
    ///
    /// gzip makes 35 to 50 bytes of real XML one, and 206 when all of 40,000 records are equal; of zeros it makes 1,030.
    pub ratio: u64,
    /// Whether a text that only reads like a failure report (Exim's and cPanel's have no feedback part) is one.
    pub text_failures: bool,
    /// Bytes that come out of all archives of one message together.
    pub unpacked_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_depth: 3,
            entries: 100,
            feedback_bytes: 64 * 1024,
            header_bytes: 256 * 1024,
            message_depth: 5,
            mime_depth: 16,
            parts: 1_000,
            ratio: 500,
            text_failures: false,
            unpacked_bytes: 512 * 1024 * 1024,
        }
    }
}
