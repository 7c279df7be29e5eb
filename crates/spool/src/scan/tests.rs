//! Whatever happened to a segment file: what is undamaged is found, nothing is made up, nothing panics.

use std::io::Cursor;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::recovery::extent;

/// A segment of these bodies, and where each frame begins, and the end.
fn segment(id: SegmentId, bodies: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for (number, body) in (0..).zip(bodies) {
        offsets.push(bytes.len());
        let envelope = envelope(number).encode().unwrap();
        let header = Header {
            number,
            envelope_bytes: u32::try_from(envelope.len()).unwrap(),
            body_bytes: body.len() as u64,
            envelope_checksum: crc32fast::hash(&envelope),
            body_checksum: crc32fast::hash(body),
            place: Place::Inline,
        };
        bytes.extend_from_slice(&header.encode(id));
        bytes.extend_from_slice(&envelope);
        bytes.extend_from_slice(body);
    }
    offsets.push(bytes.len());
    (bytes, offsets)
}

fn envelope(number: u32) -> Envelope {
    Envelope {
        received_at: u64::from(number),
        client_ip: "192.0.2.1".parse().unwrap(),
        helo: "mx.example.net".to_owned(),
        tls: None,
        mail_from: String::new(),
        rcpt_to: vec!["rua@example.com".to_owned()],
    }
}

/// Everything a reader finds; checks that the items lie behind one another and cover the numbers.
fn read(id: SegmentId, bytes: &[u8], count: Option<u32>) -> (Vec<(u32, Vec<u8>)>, Vec<Damage>) {
    let mut frames = Frames::new(Cursor::new(bytes), id, count).unwrap();
    let (mut whole, mut damaged) = (Vec::new(), Vec::new());
    let (mut position, mut next) = (0, 0);
    while let Some(item) = frames.next().unwrap() {
        match item {
            Item::Frame(frame) => {
                assert_eq!((frame.offset, frame.header.number), (position, next));
                assert_eq!(frame.envelope, envelope(next), "made up");
                position += frame.header.frame_bytes();
                next += 1;
                whole.push((frame.header.number, frame.body.to_vec()));
            }
            Item::Damage(damage) => {
                assert_eq!((damage.offset, damage.numbers.start), (position, next));
                position += damage.length;
                next = damage.numbers.end;
                damaged.push(damage);
            }
        }
        assert!(position <= bytes.len() as u64);
    }
    if let Some(count) = count {
        assert_eq!(next, count, "every message is found or reported");
    }
    (whole, damaged)
}

fn numbered(bodies: &[Vec<u8>]) -> Vec<(u32, Vec<u8>)> {
    (0..).zip(bodies.iter().cloned()).collect()
}

fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..300), 1..8)
}

/// Reads `bytes` without the `missing` ones: every message that they do not touch is found.
fn costs_what_it_touches(
    id: SegmentId,
    bodies: &[Vec<u8>],
    bytes: &[u8],
    offsets: &[usize],
    missing: Range<usize>,
) {
    let bytes = [&bytes[..missing.start], &bytes[missing.end..]].concat();
    let untouched = |number: usize| offsets[number + 1] <= missing.start || offsets[number] >= missing.end;
    let (whole, _) = read(id, &bytes, Some(u32::try_from(bodies.len()).unwrap()));
    for frame in numbered(bodies) {
        let found = whole.contains(&frame);
        assert!(found || !untouched(frame.0 as usize), "message {} is lost without {missing:?}", frame.0);
    }
    assert!(whole.iter().all(|frame| numbered(bodies).contains(frame)));
    // Left open by a crash, nothing undamaged is cut off either.
    let (count, end) = extent(Cursor::new(&bytes), id).unwrap();
    if untouched(bodies.len() - 1) {
        assert_eq!((count as usize, end as usize), (bodies.len(), bytes.len()), "without {missing:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_segment_keeps_all_before_the_cut(bodies in bodies(), at in any::<Index>()) {
        let id = SegmentId::new();
        let (bytes, offsets) = segment(id, &bodies);
        let cut = at.index(bytes.len() + 1);
        let kept = offsets.iter().filter(|offset| **offset > 0 && **offset <= cut).count();
        let (count, end) = extent(Cursor::new(&bytes[..cut]), id).unwrap();
        prop_assert_eq!((count as usize, end as usize), (kept, offsets[kept]));
        let (whole, damaged) = read(id, &bytes[..end as usize], Some(count));
        prop_assert_eq!(whole, numbered(&bodies[..kept]));
        prop_assert!(damaged.is_empty());
        // A closed segment that was cut misses what was promised.
        let (whole, damaged) = read(id, &bytes[..cut], Some(bodies.len() as u32));
        prop_assert_eq!(whole, numbered(&bodies[..kept]));
        prop_assert_eq!(damaged.len(), usize::from(kept < bodies.len()));
    }

    #[test]
    fn a_changed_byte_costs_one_message(bodies in bodies(), at in any::<Index>(), change in 1..=255u8) {
        let id = SegmentId::new();
        let (mut bytes, offsets) = segment(id, &bodies);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let hit = offsets.iter().filter(|offset| **offset <= at).count() - 1;
        let mut expected = numbered(&bodies);
        expected.remove(hit);
        let (whole, damaged) = read(id, &bytes, Some(bodies.len() as u32));
        prop_assert_eq!(whole, expected);
        prop_assert_eq!(damaged.len(), 1);
        prop_assert_eq!(damaged[0].numbers.clone(), hit as u32..hit as u32 + 1);

        // Left open by a crash: only the last message can be taken for one that was never acknowledged.
        let (count, _) = extent(Cursor::new(&bytes), id).unwrap();
        let last = bodies.len() - 1;
        prop_assert!(count as usize == bodies.len() || hit == last && count as usize == last);
    }

    #[test]
    fn an_overwritten_range_costs_what_it_touches(
        bodies in bodies(),
        from in any::<Index>(),
        junk in vec(any::<u8>(), 1..600),
    ) {
        let id = SegmentId::new();
        let (mut bytes, offsets) = segment(id, &bodies);
        let from = from.index(bytes.len());
        let to = (from + junk.len()).min(bytes.len());
        bytes[from..to].copy_from_slice(&junk[..to - from]);
        let untouched = |number: usize| offsets[number + 1] <= from || offsets[number] >= to;
        let (whole, _) = read(id, &bytes, Some(bodies.len() as u32));
        for (number, body) in numbered(&bodies) {
            let found = whole.contains(&(number, body));
            prop_assert!(found || !untouched(number as usize), "message {} is lost", number);
        }
        // Every one that was found is one that was written.
        prop_assert!(whole.iter().all(|frame| numbered(&bodies).contains(frame)));
    }

    #[test]
    fn a_missing_range_costs_what_it_touches(bodies in bodies(), from in any::<Index>(), length in 1..600usize) {
        let id = SegmentId::new();
        let (bytes, offsets) = segment(id, &bodies);
        let from = from.index(bytes.len());
        costs_what_it_touches(id, &bodies, &bytes, &offsets, from..(from + length).min(bytes.len()));
    }

    #[test]
    fn any_bytes_are_no_message(pieces in vec(vec(any::<u8>(), 0..200), 0..20), count in 0..10u32) {
        // Markers between them, so that the search has something to find.
        let id = SegmentId::new();
        let bytes = pieces.join(&marker(id)[..]);
        prop_assert!(read(id, &bytes, Some(count)).0.is_empty());
        prop_assert!(read(id, &bytes, None).0.is_empty());
        prop_assert_eq!(extent(Cursor::new(&bytes), id).unwrap().0, 0);
    }

    #[test]
    fn a_frame_inside_a_message_is_no_message(bodies in bodies(), change in 1..=255u8) {
        // A stranger's frame for a segment of another name does not come to light when the one around it breaks.
        let (inner, _) = segment(SegmentId::new(), &bodies);
        let id = SegmentId::new();
        let (mut bytes, _) = segment(id, &[inner, b"behind".to_vec()]);
        bytes[30] ^= change;
        let (whole, damaged) = read(id, &bytes, Some(2));
        prop_assert_eq!(whole, vec![(1, b"behind".to_vec())]);
        prop_assert_eq!(damaged.len(), 1);
    }
}

#[test]
fn resynchronises_over_more_than_one_window() {
    let id = SegmentId::new();
    for around in 0..HEADER_BYTES {
        // The next frame begins somewhere around the end of the first window.
        let envelope = envelope(0).encode().unwrap().len();
        let length = usize::try_from(WINDOW_BYTES).unwrap() - HEADER_BYTES - envelope - around;
        let bodies = [vec![b'x'; length], b"behind".to_vec()];
        let (mut bytes, _) = segment(id, &bodies);
        bytes[0] ^= 1;
        let (whole, _) = read(id, &bytes, Some(2));
        assert_eq!(whole, [(1, b"behind".to_vec())], "{around}");
    }
}

/// When as many bytes are missing from a message as the messages behind it have, what follows these stands just where
/// the damaged one should end: the next header but one, or the end of the file. They must be found all the same.
#[test]
fn as_many_bytes_are_missing_as_the_next_frames_have() {
    let id = SegmentId::new();
    // Chance found this one: 195 bytes, the length of the third frame, are missing from the second.
    let bodies: Vec<_> = [195, 177, 22, 213].map(|length| vec![b'x'; length]).into();
    let (bytes, offsets) = segment(id, &bodies);
    assert_eq!(offsets[3] - offsets[2], 195);
    assert!(offsets[2] - offsets[1] > 195);
    costs_what_it_touches(id, &bodies, &bytes, &offsets, offsets[2] - 195..offsets[2]);

    // And the same with any run of frames, the last ones among them, and missing from any place.
    let bodies: Vec<_> = [900, 177, 22, 0, 213, 30].map(|length| vec![b'x'; length]).into();
    let (bytes, offsets) = segment(id, &bodies);
    for (index, first) in offsets.iter().enumerate() {
        for behind in &offsets[index + 1..] {
            let length = behind - first;
            for from in 0..=bytes.len() - length {
                costs_what_it_touches(id, &bodies, &bytes, &offsets, from..from + length);
            }
        }
    }
}
