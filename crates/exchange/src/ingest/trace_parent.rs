//! The caller's place in a distributed trace: `traceparent` of W3C Trace Context
//! (<https://www.w3.org/TR/trace-context/#traceparent-header>).

use std::fmt;

/// A trace, the span that called us, and whether the trace is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    sampled: bool,
}

/// `version-trace_id-parent_id-flags` of version 00.
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

impl TraceParent {
    /// `None` where it is malformed: such a header is dropped, and the trace begins anew. A later
    /// version is read as far as version 00 goes, as the standard asks.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(header).ok()?;
        if !text.is_ascii() || text.len() < LENGTH {
            return None;
        }
        let (head, rest) = text.split_at(LENGTH);
        let mut parts = head.split('-');
        let version = hexadecimal(parts.next()?, 2)?;
        let trace_id = hexadecimal(parts.next()?, 32)?;
        let parent_id = u64::try_from(hexadecimal(parts.next()?, 16)?).ok()?;
        let flags = u8::try_from(hexadecimal(parts.next()?, 2)?).ok()?;
        let tail_fits = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let fits = tail_fits && parts.next().is_none() && trace_id != 0 && parent_id != 0;
        fits.then_some(Self {
            trace_id,
            parent_id,
            sampled: flags & SAMPLED != 0,
        })
    }

    /// A span of ours in the same trace.
    pub fn child(&self) -> Self {
        Self {
            parent_id: fastrand::u64(1..),
            ..*self
        }
    }

    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    pub fn parent_id(&self) -> u64 {
        self.parent_id
    }

    pub fn is_sampled(&self) -> bool {
        self.sampled
    }
}

/// That many lower-case digits.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let written = text.len() == digits
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    if !written {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            parent_id,
            sampled,
        } = self;
        let flags = u8::from(*sampled);
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_child_stays_in_the_trace() {
        let parent = TraceParent::parse(HEADER.as_bytes()).unwrap();
        assert_eq!(parent.to_string(), HEADER);
        let child = parent.child();
        assert_eq!(child.trace_id(), parent.trace_id());
        assert_ne!(child.parent_id(), parent.parent_id());
        assert!(child.is_sampled());
        assert_eq!(
            TraceParent::parse(child.to_string().as_bytes()),
            Some(child)
        );
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = format!("cc{}-what-follows", &HEADER[2..]);
        let read = TraceParent::parse(later.as_bytes()).unwrap();
        assert_eq!(read.to_string(), HEADER);
    }

    #[test]
    fn a_malformed_header_is_dropped() {
        let cases = [
            String::new(),
            HEADER.to_uppercase(),
            format!("{HEADER}-"),
            format!(" {HEADER}"),
            format!("ff{}", &HEADER[2..]),
            format!("cc{}x", &HEADER[2..]),
            HEADER.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            HEADER.replace("b7ad6b7169203331", &"0".repeat(16)),
            HEADER.replace('-', "_"),
            HEADER.replace("0af7", "0ag7"),
            HEADER.replace("0af7", "+af7"),
            "é".repeat(40),
        ];
        for header in cases {
            assert_eq!(TraceParent::parse(header.as_bytes()), None, "{header}");
        }
    }
}
