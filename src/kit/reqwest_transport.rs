//! [`Transport`] over real HTTP. The only place that builds a `reqwest` client.

use std::path::Path;
use std::time::Duration;

use super::trace;
use super::transport::{
    BoxFuture, MAX_RESPONSE, Method, Request, Response, Transport, TransportError,
};

/// How long a connection may take to be made; both platforms answer a SYN in well under a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How the outside world is reached: `[outbound]` of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Route<'a> {
    /// `http://host:port` of a proxy; empty for none. The environment's proxy is never used.
    pub proxy: &'a str,
    /// Host names and networks that are reached directly, comma-separated.
    pub no_proxy: &'a str,
    /// A PEM file of further certificate authorities.
    pub ca_file: Option<&'a Path>,
}

/// Why a transport could not be built.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The CA file cannot be read or holds no certificate.
    #[error("the CA file {path} cannot be used: {reason}")]
    Ca {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The proxy's address is not one.
    #[error("the proxy cannot be used: {0}")]
    Proxy(String),
    /// The TLS library refused its settings.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// A transport over a pool of HTTP connections.
#[derive(Debug, Clone)]
pub struct ReqwestTransport(reqwest::Client);

impl ReqwestTransport {
    /// Builds the client once; clones share its connections.
    pub fn new(route: &Route<'_>) -> Result<Self, RouteError> {
        install_tls();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("qiao/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if !route.proxy.is_empty() {
            let proxy = reqwest::Proxy::all(route.proxy)
                .map_err(|e| RouteError::Proxy(e.to_string()))?
                .no_proxy(reqwest::NoProxy::from_string(route.no_proxy));
            builder = builder.proxy(proxy);
        }
        if let Some(path) = route.ca_file {
            for certificate in read_ca(path)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        builder
            .build()
            .map(Self)
            .map_err(|e| RouteError::Client(e.to_string()))
    }

    /// A transport to a server on this machine that listens on a Unix socket; the host in the
    /// URL does not matter then.
    pub fn over_unix_socket(socket: &Path) -> Result<Self, RouteError> {
        install_tls();
        reqwest::Client::builder()
            .unix_socket(socket)
            .no_proxy()
            .build()
            .map(Self)
            .map_err(|e| RouteError::Client(e.to_string()))
    }
}

fn install_tls() {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn read_ca(path: &Path) -> Result<Vec<reqwest::Certificate>, RouteError> {
    let fault = |reason: String| RouteError::Ca {
        path: path.display().to_string(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| fault(e.to_string()))?;
    if found.is_empty() {
        return Err(fault("it holds no PEM certificate".to_owned()));
    }
    Ok(found)
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let method = match request.method {
                Method::Get => reqwest::Method::GET,
                Method::Post => reqwest::Method::POST,
                Method::Patch => reqwest::Method::PATCH,
            };
            let mut call = self
                .0
                .request(method, &request.url)
                .timeout(request.timeout);
            for (name, value) in &request.headers {
                call = call.header(*name, value);
            }
            if let Some(parent) = trace::header() {
                call = call.header(trace::TRACEPARENT, parent);
            }
            let answer = call
                .body(request.body)
                .send()
                .await
                .map_err(|e| explain(&e))?;
            read_all(answer).await
        })
    }
}

async fn read_all(mut answer: reqwest::Response) -> Result<Response, TransportError> {
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .map(|(n, v)| {
            (
                n.as_str().to_owned(),
                String::from_utf8_lossy(v.as_bytes()).into_owned(),
            )
        })
        .collect();
    // What is announced as too large need not be waited for.
    if answer.content_length() > Some(MAX_RESPONSE as u64) {
        return Err(TransportError::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|e| explain(&e))? {
        if body.len() + piece.len() > MAX_RESPONSE {
            return Err(TransportError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Response {
        status,
        headers,
        body,
    })
}

/// A fault before the connection stood left nothing behind; any other may have had its effect.
/// `reqwest` prints the URL in its errors, which may hold an access_token, so it is taken out.
fn explain(error: &reqwest::Error) -> TransportError {
    let reason = innermost(error);
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(reason)
    } else if error.is_timeout() {
        TransportError::Lost("the time-out ran out".to_owned())
    } else {
        TransportError::Lost(reason)
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    if source.is::<reqwest::Error>() {
        "the HTTP exchange broke".to_owned()
    } else {
        source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    fn get(url: String) -> Request {
        Request {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(5),
        }
    }

    /// Takes one connection, reads its request's head, answers and closes; gives the first line.
    async fn answer_one(listener: TcpListener, answer: &'static str) -> String {
        let (mut caller, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(caller.read_u8().await.unwrap());
        }
        caller.write_all(answer.as_bytes()).await.unwrap();
        let head = String::from_utf8(head).unwrap();
        head.lines().next().unwrap().to_owned()
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

    #[tokio::test]
    async fn calls_go_through_the_configured_proxy_unless_they_are_excepted() {
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy_url = format!("http://{}", proxy.local_addr().unwrap());
        let direct = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let direct_url = format!("http://{}/near", direct.local_addr().unwrap());
        let transport = ReqwestTransport::new(&Route {
            proxy: &proxy_url,
            no_proxy: "127.0.0.1",
            ca_file: None,
        })
        .unwrap();
        let seen_by_proxy = tokio::spawn(answer_one(proxy, OK));
        let far = transport.send(get("http://far.example/x".to_owned())).await;
        assert_eq!(far.unwrap().body, b"ok");
        assert_eq!(
            seen_by_proxy.await.unwrap(),
            "GET http://far.example/x HTTP/1.1"
        );
        let seen_directly = tokio::spawn(answer_one(direct, OK));
        transport.send(get(direct_url)).await.unwrap();
        assert_eq!(seen_directly.await.unwrap(), "GET /near HTTP/1.1");
    }

    #[tokio::test]
    async fn what_never_left_is_told_from_what_may_have_arrived() {
        let transport = ReqwestTransport::new(&Route::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/?access_token=SECRET",
            listener.local_addr().unwrap()
        );
        let cut_off = tokio::spawn(answer_one(listener, ""));
        let lost = transport.send(get(url.clone())).await.unwrap_err();
        assert!(matches!(lost, TransportError::Lost(_)), "{lost:?}");
        cut_off.await.unwrap();
        let refused = transport.send(get(url)).await.unwrap_err();
        assert!(matches!(refused, TransportError::NotSent(_)), "{refused:?}");
        for fault in [lost, refused] {
            assert!(!fault.to_string().contains("SECRET"), "{fault}");
        }
    }

    #[tokio::test]
    async fn an_answer_is_given_whole_or_not_at_all() {
        let transport = ReqwestTransport::new(&Route::default()).unwrap();
        let end = async |answer| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            let answered = tokio::spawn(answer_one(listener, answer));
            let end = transport.send(get(url)).await;
            answered.await.unwrap();
            end
        };
        let cut_off = end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
        assert!(
            matches!(cut_off, Err(TransportError::Lost(_))),
            "{cut_off:?}"
        );
        // Refused by its head: nothing of these 40 MB ever comes.
        let large = end("HTTP/1.1 200 OK\r\ncontent-length: 40000000\r\n\r\n").await;
        assert_eq!(large.unwrap_err(), TransportError::TooLarge);
        let binary = end("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\u{1}\u{0}\u{7f}").await;
        assert_eq!(binary.unwrap().body, b"\x01\0\x7f");
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "no certificate").unwrap();
        let route = Route {
            ca_file: Some(&file),
            ..Route::default()
        };
        let fault = ReqwestTransport::new(&route).unwrap_err().to_string();
        assert!(fault.contains("ca.pem"), "{fault}");
    }
}
