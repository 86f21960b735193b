//! An HTTP answer that a test gives in a service's place.

/// What is sent back: a status, headers, a body. Its length is always told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub fn status(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.body = body.into();
        self
    }

    /// An error as S3 tells it.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
    pub fn s3_error(status: u16, code: &str, message: &str) -> Answer {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
             <Message>{message}</Message><RequestId>of-a-test</RequestId></Error>"
        );
        Answer::status(status)
            .with_header("Content-Type", "application/xml")
            .with_body(body)
    }

    /// S3 asks for fewer requests.
    pub fn slow_down() -> Answer {
        Answer::s3_error(503, "SlowDown", "Please reduce your request rate.")
    }

    /// The session's credential has expired. S3 itself says so with 400; see
    /// [`Answer::s3_error`] for services that say 403.
    pub fn expired_token() -> Answer {
        Answer::s3_error(400, "ExpiredToken", "The provided token has expired.")
    }

    /// As it goes over the wire. An answer to `HEAD` tells its length and sends no body; one that
    /// is the last of its connection says so.
    pub(crate) fn to_bytes(&self, to_head: bool, is_last: bool) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} of a test\r\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if is_last {
            text += "Connection: close\r\n";
        }
        text += &format!("Content-Length: {}\r\n\r\n", self.body.len());
        let mut bytes = text.into_bytes();
        if !to_head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}
