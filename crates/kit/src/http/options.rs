//! [`UrlOptions`]: the options that all modules which use HTTP have in common.

use std::path::PathBuf;

use shevek_derive::Args;

/// The options that all modules which use HTTP have in common.
#[derive(Debug, Clone, Args)]
#[kit(crate)]
pub struct UrlOptions {
    /// Do not take a cached copy.
    #[arg(default = false)]
    pub force: bool,
    /// The name that the client goes by.
    #[arg(default = "ansible-httpget")]
    pub http_agent: String,
    /// Whether the proxy of the environment is used.
    #[arg(default = true)]
    pub use_proxy: bool,
    /// Whether the server's certificate must be valid.
    #[arg(default = true)]
    pub validate_certs: bool,
    /// Send the user's name and password at once, without being asked.
    #[arg(default = false)]
    pub force_basic_auth: bool,
    /// The client's certificate.
    pub client_cert: Option<PathBuf>,
    /// The key of the client's certificate.
    pub client_key: Option<PathBuf>,
    /// Whether GSSAPI is used to say who the client is.
    #[arg(default = false)]
    pub use_gssapi: bool,
    /// Headers that are not sent again when a redirect is followed.
    pub unredirected_headers: Vec<String>,
    /// Whether what comes compressed is unpacked.
    #[arg(default = true)]
    pub decompress: bool,
    /// Ciphers for TLS.
    pub ciphers: Vec<String>,
    /// Whether names and passwords are taken from `~/.netrc`.
    #[arg(default = true)]
    pub use_netrc: bool,
}

impl Default for UrlOptions {
    fn default() -> Self {
        UrlOptions {
            force: false,
            http_agent: "ansible-httpget".into(),
            use_proxy: true,
            validate_certs: true,
            force_basic_auth: false,
            client_cert: None,
            client_key: None,
            use_gssapi: false,
            unredirected_headers: Vec::new(),
            decompress: true,
            ciphers: Vec::new(),
            use_netrc: true,
        }
    }
}
