//! One exchange over plain http.

use std::io::{self, Read};

use super::{Request, Response, reason};

/// Sends a request and reads the whole answer.
pub(crate) fn exchange(request: &Request) -> io::Result<Response> {
    let proxy = match &request.proxy {
        Some(proxy) => Some(ureq::Proxy::new(proxy).map_err(worded)?),
        None => None,
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .proxy(proxy)
        .user_agent("")
        .accept("")
        .accept_encoding("identity")
        .timeout_connect(Some(request.timeout))
        .timeout_recv_response(Some(request.timeout))
        .timeout_per_read(Some(request.timeout))
        .build()
        .into();
    let url = request.url.split('#').next().unwrap_or_default();
    let mut building = ureq::http::Request::builder().method(request.method.as_str()).uri(url);
    for (name, value) in &request.headers {
        // The length is what it is; a wrong one would leave the server waiting.
        if !name.eq_ignore_ascii_case("content-length") {
            building = building.header(name.as_str(), value.as_str());
        }
    }
    let needs_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    let sent = match (&request.body, needs_body) {
        (Some(body), _) => agent.run(building.body(body.as_slice()).map_err(io::Error::other)?),
        (None, true) => agent.run(building.body(&[] as &[u8]).map_err(io::Error::other)?),
        (None, false) => agent.run(building.body(()).map_err(io::Error::other)?),
    };
    let answer = sent.map_err(worded)?;
    let status = answer.status().as_u16();
    let mut response = Response { status, reason: reason(status), ..Response::default() };
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        response.headers.push((name.as_str().to_owned(), value));
    }
    answer.into_body().into_reader().read_to_end(&mut response.body)?;
    Ok(response)
}

fn worded(e: ureq::Error) -> io::Error {
    match e {
        ureq::Error::Io(e) => e,
        ureq::Error::Timeout(_) => io::Error::new(io::ErrorKind::TimedOut, "timed out"),
        ureq::Error::HostNotFound => io::Error::other("[Errno -2] Name or service not known"),
        ureq::Error::ConnectionFailed => {
            io::Error::from_raw_os_error(rustix::io::Errno::CONNREFUSED.raw_os_error())
        }
        e => io::Error::other(e.to_string()),
    }
}
