//! HTTP/1.1 by hand, so that a test can send exactly what the host sends: chunked bodies without
//! a length, its headers, and everything written before anything is read.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long a call may take before a test is called stuck.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of a chunk, as .NET streams cut them.
const CHUNK: usize = 4096;

/// A request, ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    head: String,
    body: Vec<u8>,
    chunked: bool,
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

impl Call {
    /// A bare GET, as the readiness probe sends it.
    pub(crate) fn get(path: &str) -> Self {
        let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        Self { head, body: Vec::new(), chunked: false }
    }

    /// A trigger call.
    pub(crate) fn invocation(function: &str, body: Vec<u8>) -> Self {
        let head = format!(
            "POST /{function} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             Content-Type: application/json; charset=utf-8\r\n\
             User-Agent: Azure-Functions-Host/4.1054.100\r\n\
             X-Azure-Functions-HostVersion: 4.1054.100\r\n\
             X-Azure-Functions-InvocationId: 5d3e2f9a-7c11-4f6f-9c65-0d2b8a6f2f10\r\n\
             Transfer-Encoding: chunked\r\n"
        );
        Self { head, body, chunked: true }
    }

    /// A client's request as the proxy passes it on.
    pub(crate) fn proxied(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
             X-Azure-Functions-HostVersion: 4.1054.100\r\n\
             X-Azure-Functions-InvocationId: 8a1c5b60-2f0e-4a0c-8f39-9d8f54f0b7aa\r\n\
             x-ms-invocation-id: 8a1c5b60-2f0e-4a0c-8f39-9d8f54f0b7aa\r\n\
             X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: midwatch.example.net\r\n"
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        Self { head, body: body.to_vec(), chunked: false }
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    fn write(&self, mut stream: impl Write) -> io::Result<()> {
        stream.write_all(self.head.as_bytes())?;
        stream.write_all(b"\r\n")?;
        if !self.chunked {
            stream.write_all(&self.body)?;
            return stream.flush();
        }
        for chunk in self.body.chunks(CHUNK) {
            write!(stream, "{:x}\r\n", chunk.len())?;
            stream.write_all(chunk)?;
            stream.write_all(b"\r\n")?;
        }
        stream.write_all(b"0\r\n\r\n")?;
        stream.flush()
    }
}

/// Writes the whole request, then reads the whole response, as the host's client does.
pub(crate) fn send(port: u16, call: &Call) -> io::Result<Answer> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    call.write(io::BufWriter::with_capacity(64 * 1024, &stream))?;
    read(BufReader::new(&stream), call.head.starts_with("HEAD "))
}

fn read(mut stream: impl BufRead, head_only: bool) -> io::Result<Answer> {
    let status_line = line(&mut stream)?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| broken("no status line"))?;
    let mut headers = Vec::new();
    loop {
        let header = line(&mut stream)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or_else(|| broken("a broken header"))?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    if head_only || matches!(status, 204 | 304) {
        return Ok(answer);
    }
    if answer.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        loop {
            let size = line(&mut stream)?;
            let size = u64::from_str_radix(&size, 16).map_err(|_| broken("a broken chunk"))?;
            (&mut stream).take(size).read_to_end(&mut answer.body)?;
            line(&mut stream)?;
            if size == 0 {
                return Ok(answer);
            }
        }
    }
    let length: u64 = answer
        .header("content-length")
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| broken("neither a length nor chunks"))?;
    stream.take(length).read_to_end(&mut answer.body)?;
    if answer.body.len() as u64 != length {
        return Err(broken("the body ended early"));
    }
    Ok(answer)
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(broken("the connection ended"));
    }
    Ok(line.trim_end().to_owned())
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}
