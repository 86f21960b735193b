//! Just enough of HTTP/1.1 (RFC 9112) to know where a request ends.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A request's head is not larger; what is, is none.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;

/// A request's head.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// Path and query, as they were sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The bytes that it takes, with the empty line.
    pub(crate) length: usize,
}

impl Head {
    /// The head with which the bytes begin; `None` where it is not there as a whole yet.
    pub(crate) fn read(bytes: &[u8]) -> io::Result<Option<Head>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = request.parse(bytes).map_err(invalid)? else {
            if bytes.len() > HEAD_BYTES_MAX {
                return Err(invalid("a head without end"));
            }
            return Ok(None);
        };
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Ok(Some(Head {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            headers: request
                .headers
                .iter()
                .map(|header| (header.name.to_owned(), text(header.value)))
                .collect(),
            length,
        }))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    pub(crate) fn awaits_continue(&self) -> bool {
        self.header("expect")
            .is_some_and(|expected| expected.eq_ignore_ascii_case("100-continue"))
    }

    pub(crate) fn body(&self) -> io::Result<Body> {
        let coding = self.header("transfer-encoding").unwrap_or_default();
        if coding.to_ascii_lowercase().ends_with("chunked") {
            return Ok(Body::Chunked(Chunks::default()));
        }
        let length = self.header("content-length").unwrap_or("0");
        length.trim().parse().map(Body::Length).map_err(invalid)
    }
}

pub(crate) fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// What is to come of a request's body.
#[derive(Debug)]
pub(crate) enum Body {
    Length(u64),
    Chunked(Chunks),
}

impl Body {
    /// How many of the bytes belong to the body; its content goes to the closure.
    pub(crate) fn take(&mut self, bytes: &[u8], content: impl FnMut(&[u8])) -> io::Result<usize> {
        match self {
            Body::Length(left) => {
                let taken = bytes
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                let mut content = content;
                content(&bytes[..taken]);
                Ok(taken)
            }
            Body::Chunked(chunks) => chunks.take(bytes, content),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Body::Length(left) => *left == 0,
            Body::Chunked(chunks) => matches!(chunks.next, Next::Nothing),
        }
    }
}

/// Where we are in a chunked body (RFC 9112, 7.1).
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    next: Next,
    /// The line that is being read.
    line: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy)]
enum Next {
    #[default]
    Size,
    /// So many bytes of content, then a line end.
    Content(u64),
    LineEnd,
    Trailer,
    Nothing,
}

impl Chunks {
    fn take(&mut self, bytes: &[u8], mut content: impl FnMut(&[u8])) -> io::Result<usize> {
        let mut at = 0;
        while at < bytes.len() {
            match self.next {
                Next::Nothing => break,
                Next::Content(left) => {
                    let rest = &bytes[at..];
                    let taken = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    content(&rest[..taken]);
                    at += taken;
                    let left = left - taken as u64;
                    self.next = if left == 0 {
                        Next::LineEnd
                    } else {
                        Next::Content(left)
                    };
                }
                Next::Size | Next::LineEnd | Next::Trailer => {
                    self.line.push(bytes[at]);
                    at += 1;
                    if self.line.ends_with(b"\n") {
                        self.next = self.after_line()?;
                        self.line.clear();
                    } else if self.line.len() > HEAD_BYTES_MAX {
                        return Err(invalid("a chunk's line without end"));
                    }
                }
            }
        }
        Ok(at)
    }

    fn after_line(&self) -> io::Result<Next> {
        let line = self.line.trim_ascii();
        match self.next {
            Next::Size => {
                let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
                let size = std::str::from_utf8(size).map_err(invalid)?;
                let size = u64::from_str_radix(size.trim(), 16).map_err(invalid)?;
                Ok(if size == 0 {
                    Next::Trailer
                } else {
                    Next::Content(size)
                })
            }
            Next::LineEnd if line.is_empty() => Ok(Next::Size),
            Next::Trailer if line.is_empty() => Ok(Next::Nothing),
            Next::Trailer => Ok(Next::Trailer),
            _ => Err(invalid("a chunk longer than it said")),
        }
    }
}

/// The next request's head, at the beginning of the buffer; `None` where the client has ended.
pub(crate) async fn next_head(
    from: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> io::Result<Option<Head>> {
    loop {
        if let Some(head) = Head::read(buffer)? {
            return Ok(Some(head));
        }
        if from.read_buf(buffer).await? == 0 {
            return match buffer.is_empty() {
                true => Ok(None),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
    }
}

/// How many bytes at the beginning of the buffer are the next ones of the body; `None` at its end. Their
/// content goes to the closure.
pub(crate) async fn next_piece(
    from: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    body: &mut Body,
    content: impl FnMut(&[u8]),
) -> io::Result<Option<usize>> {
    if body.is_complete() {
        return Ok(None);
    }
    if buffer.is_empty() && from.read_buf(buffer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    body.take(buffer, content).map(Some)
}

fn invalid(problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"POST /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;note=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n";

    #[test]
    fn a_head_is_whole_or_not_there() {
        let text = b"PUT /bucket/key?partNumber=2 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 3\r\n\r\nabcGET";
        for cut in 0..text.len() - 6 {
            assert!(Head::read(&text[..cut]).unwrap().is_none(), "{cut}");
        }
        let head = Head::read(text).unwrap().unwrap();
        assert_eq!(head.method, "PUT");
        assert_eq!(head.target, "/bucket/key?partNumber=2");
        assert_eq!(head.header("host"), Some("h:1"));
        let mut body = head.body().unwrap();
        let taken = body.take(&text[head.length..], |_| ()).unwrap();
        assert_eq!(&text[head.length..head.length + taken], b"abc");
        assert!(body.is_complete());
        Head::read(b"\x16\x03\x01 no HTTP at all\r\n\r\n").expect_err("it is no request");
    }

    #[test]
    fn a_chunked_body_ends_where_it_ends_however_it_arrives() {
        let head = Head::read(CHUNKED).unwrap().unwrap();
        let rest = &CHUNKED[head.length..];
        let whole = rest.len() - b"GET / HTTP/1.1\r\n\r\n".len();
        for step in 1..rest.len() {
            let mut body = head.body().unwrap();
            let mut content = Vec::new();
            let mut taken = 0;
            for piece in rest.chunks(step) {
                taken += body
                    .take(piece, |bytes| content.extend_from_slice(bytes))
                    .unwrap();
            }
            assert_eq!((taken, body.is_complete()), (whole, true), "{step}");
            assert_eq!(content, b"hello world");
        }
    }

    #[test]
    fn a_chunk_that_lies_about_its_length_is_refused() {
        let mut body = Body::Chunked(Chunks::default());
        body.take(b"2\r\nabc\r\n0\r\n\r\n", |_| ())
            .expect_err("the third byte is not announced");
    }
}
