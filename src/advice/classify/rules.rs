//! The rules' names, in the order in which they are tried, and what they go by.

use crate::advice::Rule;

/// The owner approved it.
pub const OWNER_APPROVED: Rule = Rule("owner_approved");
/// The owner rejected it.
pub const OWNER_REJECTED: Rule = Rule("owner_rejected");
/// Nearly all of its mail passes.
pub const PASSES: Rule = Rule("passes");
/// The catalogue knows it for a forwarder or a mailing list.
pub const KNOWN_FORWARDER: Rule = Rule("known_forwarder");
/// A filter that is not in the domain's SPF record: that of recipients.
pub const RECIPIENT_SIDE_FILTER: Rule = Rule("recipient_side_filter");
/// Receivers say that its mail was forwarded.
pub const FORWARD_MARKS: Rule = Rule("forward_marks");
/// The domain's signature holds, while SPF is somebody else's.
pub const DKIM_SURVIVES: Rule = Rule("dkim_survives");
/// Its confirmed reverse name is the domain's own.
pub const OWN_NAME: Rule = Rule("own_name");
/// The domain's records name it: an include of SPF, or a key that is an alias of the service's.
pub const USED_SERVICE: Rule = Rule("used_service");
/// The domain's SPF record allows its addresses.
pub const IN_SPF: Rule = Rule("in_spf");
/// Some of its mail passes.
pub const PARTLY_PASSES: Rule = Rule("partly_passes");
/// A known service that sends steadily.
pub const KNOWN_SENDER: Rule = Rule("known_sender");
/// Fails everything, and the domain sends no mail.
pub const NOTHING_SENT: Rule = Rule("nothing_sent");
/// Fails everything, and is one of dozens that come back now and then with a message or two.
pub const LOW_VOLUME_SCATTER: Rule = Rule("low_volume_scatter");
/// Fails everything, and comes from many addresses with little mail each.
pub const SCATTERED: Rule = Rule("scattered");
/// Fails everything, and is one of many networks with little mail each.
pub const ONE_OF_MANY: Rule = Rule("one_of_many");
/// Fails everything, came from several addresses within days, and never again.
pub const BURST: Rule = Rule("burst");
/// A message or two passed.
pub const RARELY_PASSES: Rule = Rule("rarely_passes");
/// A known service with many customers, and nothing says that the owner is one.
pub const SHARED_SERVICE: Rule = Rule("shared_service");
/// Fails everything, but steadily from the same few addresses.
pub const STEADY: Rule = Rule("steady");
/// Fails everything, but is a mail server or a university's: perhaps a forwarder.
pub const MAIL_SERVER: Rule = Rule("mail_server");
/// Nobody can tell.
pub const NOTHING_KNOWN: Rule = Rule("nothing_known");

/// All of them, in the order in which they are tried.
pub const RULES: [Rule; 22] = [
    OWNER_APPROVED,
    OWNER_REJECTED,
    PASSES,
    KNOWN_FORWARDER,
    RECIPIENT_SIDE_FILTER,
    FORWARD_MARKS,
    DKIM_SURVIVES,
    OWN_NAME,
    USED_SERVICE,
    IN_SPF,
    PARTLY_PASSES,
    KNOWN_SENDER,
    NOTHING_SENT,
    LOW_VOLUME_SCATTER,
    SCATTERED,
    ONE_OF_MANY,
    BURST,
    RARELY_PASSES,
    SHARED_SERVICE,
    STEADY,
    MAIL_SERVER,
    NOTHING_KNOWN,
];

/// One message in so many marked as forwarded makes a forwarder: only some receivers say so.
pub(super) const MARKED_PART: u64 = 4;
/// So many messages in the last days tell how a forwarder's mail fares now.
pub(super) const FEW_RECENT: u64 = 5;
/// Whoever comes back now and then with so many messages on a day at most, and ...
pub(super) const DRIZZLE: u64 = 2;
/// ... with less than this part of the domain's mail, ...
pub(super) const TRIFLE: f64 = 0.005;
/// ... is a forger's when there are so many of that kind: three times what makes a crowd.
pub(super) const DOZENS: u64 = 3 * CROWD;
/// A forwarder's part of a domain's mail is at most this.
pub(super) const SMALL_SHARE: f64 = 0.05;
/// This part of the mail passes when some does.
pub(super) const PARTLY: f64 = 0.05;
/// A provider of mailboxes with so much of the domain's mail is the domain's own.
pub(super) const MAIN_SHARE: f64 = 0.05;
/// On so many days somebody sends who sends steadily.
pub(super) const STEADY_DAYS: u32 = 3;
/// Days between the first and the last message of somebody who came back.
pub(super) const CAME_BACK_DAYS: u32 = 14;
/// Somebody who sends steadily has at most so many addresses.
pub(super) const FEW_ADDRESSES: u64 = 3;
/// From so many addresses mail is scattered.
pub(super) const MANY_ADDRESSES: u64 = 5;
/// Messages of an address at which it has little mail.
pub(super) const THIN: u64 = 10;
/// So many suspect networks are a crowd.
pub(super) const CROWD: u64 = 8;
/// From so many addresses within [`BURST_DAYS`] days mail comes at once.
pub(super) const BURST_ADDRESSES: u64 = 4;
/// See [`BURST_ADDRESSES`].
pub(super) const BURST_DAYS: u32 = 3;
/// A burst is over when nothing came for so many days: a new tool of the owner's begins like one, and goes on.
pub(super) const QUIET_DAYS: u32 = 14;
