//! A body in parts (`form-multipart`), byte for byte as Ansible's `prepare_multipart` writes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shevek_kit::prelude::*;
use shevek_kit::printed;

/// Where hosts list the types of files, of which the last counts.
const LISTS: [&str; 8] = [
    "/etc/mime.types",
    "/etc/httpd/mime.types",
    "/etc/httpd/conf/mime.types",
    "/etc/apache/mime.types",
    "/etc/apache2/mime.types",
    "/usr/local/etc/httpd/conf/mime.types",
    "/usr/local/lib/netscape/mime.types",
    "/usr/local/etc/mime.types",
];

/// The content type and the body.
pub(super) fn body(fields: Option<&Val>, host: &Probe) -> Result<(String, Vec<u8>)> {
    let nothing = Val::Null;
    let fields = fields.unwrap_or(&nothing);
    let Val::Map(entries) = fields else {
        return Err(unfit(&format!("Mapping is required, cannot be type {}", printed::python_type(fields))));
    };
    let mut sorted: Vec<&(String, Val)> = entries.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let parts = sorted.iter().map(|(name, value)| Part::of(name, value, host)).collect::<Result<Vec<_>>>()?;
    let boundary = std::iter::repeat_with(boundary)
        .find(|boundary| !parts.iter().any(|part| holds(&part.content, boundary.as_bytes())))
        .unwrap_or_default();
    let mut body = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        body.extend(if at > 0 { "\r\n--" } else { "--" }.bytes());
        body.extend(boundary.bytes());
        body.extend(b"\r\n");
        body.extend(part.head.bytes());
        body.extend(b"\r\n");
        body.extend(&part.content);
    }
    if parts.is_empty() {
        body.extend(format!("--{boundary}\r\n").bytes());
    }
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    Ok((format!("multipart/form-data; boundary=\"{boundary}\""), body))
}

fn unfit(why: &str) -> Fault {
    Fault::new(format!("failed to parse body as form-multipart: {why}"))
}

fn holds(content: &[u8], boundary: &[u8]) -> bool {
    content.windows(boundary.len()).any(|window| window == boundary)
}

fn boundary() -> String {
    let random: String = std::iter::repeat_with(crate::tempfile::unguessable).take(3).collect();
    let digits: String = random.bytes().take(19).map(|byte| char::from(b'0' + byte % 10)).collect();
    format!("==============={digits}==")
}

/// One part.
struct Part {
    head: String,
    content: Vec<u8>,
}

impl Part {
    fn of(name: &str, value: &Val, host: &Probe) -> Result<Self> {
        let (kind, file_name, source) = match value {
            Val::Str(text) => ("text/plain".to_owned(), None, Source::Text(text.clone().into_bytes())),
            Val::Map(_) => described(value, host)?,
            other => {
                let what = printed::python_type(other);
                return Err(unfit(&format!("value must be a string, or mapping, cannot be type {what}")));
            }
        };
        let mut head = String::new();
        let content = match source {
            Source::Text(bytes) => with_network_lines(&bytes),
            Source::File(bytes, Encoding::Base64) => {
                head.push_str("Content-Transfer-Encoding: base64\r\n");
                in_lines(&STANDARD.encode(bytes))
            }
            Source::File(bytes, Encoding::AsItIs) => {
                let bits = if bytes.is_ascii() { 7 } else { 8 };
                head.push_str(&format!("Content-Transfer-Encoding: {bits}bit\r\n"));
                with_network_lines(&bytes)
            }
        };
        head.push_str(&format!("Content-Type: {kind}\r\nContent-Disposition: form-data; "));
        head.push_str(&parameter("name", name));
        if let Some(file_name) = file_name {
            head.push_str(&format!("; {}", parameter("filename", &file_name)));
        }
        head.push_str("\r\n");
        Ok(Part { head, content })
    }
}

/// Where a part's content is from: only that of files is encoded.
enum Source {
    Text(Vec<u8>),
    File(Vec<u8>, Encoding),
}

enum Encoding {
    Base64,
    AsItIs,
}

fn described(value: &Val, host: &Probe) -> Result<(String, Option<String>, Source)> {
    let given = |key: &str| value.get(key).filter(|v| !matches!(v, Val::Null) && **v != Val::from(""));
    let file_name = given("filename").map(printed::python_str);
    let content = given("content");
    if file_name.is_none() && content.is_none() {
        return Err(unfit("at least one of filename or content must be provided"));
    }
    let kind = match given("mime_type") {
        Some(kind) => printed::python_str(kind),
        None => guessed(file_name.as_deref().unwrap_or_default(), host),
    };
    let kind = if kind.contains('/') { kind } else { format!("{kind}/") };
    let last = file_name.as_deref().map(|path| path.rsplit('/').next().unwrap_or(path).to_owned());
    let source = match (content, &file_name) {
        (Some(content), _) => Source::Text(printed::python_str(content).into_bytes()),
        (None, Some(path)) => {
            let encoding = match given("multipart_encoding").map(printed::python_str).as_deref() {
                None | Some("base64") => Encoding::Base64,
                Some("7or8bit") => Encoding::AsItIs,
                Some(_) => {
                    return Err(unfit("multipart_encoding must be one of dict_keys(['base64', '7or8bit'])."));
                }
            };
            let bytes = match value.get("_content") {
                // A file of the controller, which its action has sent along.
                Some(blob @ Val::Blob(_)) => {
                    let content = Content::read(blob.clone()).map_err(Fault::new)?;
                    let mut bytes = Vec::new();
                    std::io::Read::read_to_end(&mut host.content(&content)?, &mut bytes)
                        .map_err(|e| Fault::new(format!("could not fetch {path}: {e}")))?;
                    bytes
                }
                _ => host.read(path)?,
            };
            Source::File(bytes, encoding)
        }
        (None, None) => Source::Text(Vec::new()),
    };
    Ok((kind, last, source))
}

/// With the ends of lines that mail and the web have.
fn with_network_lines(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut last) = (Vec::with_capacity(bytes.len()), 0);
    for byte in bytes {
        match byte {
            b'\n' if last == b'\r' => {}
            b'\n' | b'\r' => out.extend(b"\r\n"),
            byte => out.push(*byte),
        }
        last = *byte;
    }
    out
}

fn in_lines(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 38 + 2);
    for line in text.as_bytes().chunks(76) {
        out.extend(line);
        out.extend(b"\r\n");
    }
    out
}

/// `name="value"`, or as RFC 2231 has what is not ASCII.
fn parameter(name: &str, value: &str) -> String {
    if value.is_ascii() {
        return format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut out = format!("{name}*=utf-8''");
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The type that a file's name promises, by the lists of the host and those that Python brings.
fn guessed(path: &str, host: &Probe) -> String {
    let unknown = || "application/octet-stream".to_owned();
    let name = path.rsplit('/').next().unwrap_or(path);
    let split = |name: &str| -> Option<(String, String)> {
        let at = name
            .rfind('.')
            .filter(|at| !name.get(..*at).unwrap_or_default().trim_start_matches('.').is_empty())?;
        let (stem, ending) = name.split_at(at);
        Some((stem.to_owned(), ending.get(1..).unwrap_or_default().to_owned()))
    };
    let Some((mut stem, mut ending)) = split(name) else { return unknown() };
    let twice = match ending.as_str() {
        "svgz" => Some("svg.gz"),
        "tgz" | "taz" | "tz" => Some("tar.gz"),
        "tbz2" => Some("tar.bz2"),
        "txz" => Some("tar.xz"),
        _ => None,
    };
    if let Some((first, second)) = twice.and_then(|twice| twice.split_once('.')) {
        (stem, ending) = (format!("{stem}.{first}"), second.to_owned());
    }
    // What it is packed with is not what it is.
    if matches!(ending.as_str(), "gz" | "Z" | "bz2" | "xz" | "br") {
        match split(&stem) {
            Some((_, inner)) => ending = inner,
            None => return unknown(),
        }
    }
    let lower = ending.to_lowercase();
    let in_lists = |ending: &str| {
        let listed = |list: &&str| {
            let text = host.read_text(list).ok()?;
            let fitting = |line: &&str| line.split_whitespace().skip(1).any(|word| word == ending);
            let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
            lines.rfind(fitting)?.split_whitespace().next().map(str::to_owned)
        };
        LISTS.iter().rev().find_map(listed)
    };
    let brought = |ending: &str| {
        let found = TYPES.iter().find(|(_, endings)| endings.split(' ').any(|known| known == ending));
        found.map(|(kind, _)| (*kind).to_owned())
    };
    in_lists(&ending)
        .or_else(|| brought(&ending))
        .or_else(|| in_lists(&lower))
        .or_else(|| brought(&lower))
        .unwrap_or_else(unknown)
}

/// The types that Python's library knows by itself.
const TYPES: &[(&str, &str)] = &[
    ("application/javascript", "js mjs"),
    ("application/json", "json"),
    ("application/manifest+json", "webmanifest"),
    ("application/msword", "doc dot wiz"),
    ("application/n-quads", "nq"),
    ("application/n-triples", "nt"),
    ("application/octet-stream", "bin a dll exe o obj so"),
    ("application/oda", "oda"),
    ("application/pdf", "pdf"),
    ("application/pkcs7-mime", "p7c"),
    ("application/postscript", "ps ai eps"),
    ("application/rtf", "rtf"),
    ("application/trig", "trig"),
    ("application/vnd.apple.mpegurl", "m3u m3u8"),
    ("application/vnd.ms-excel", "xls xlb"),
    ("application/vnd.ms-powerpoint", "ppt pot ppa pps pwz"),
    ("application/wasm", "wasm"),
    ("application/x-bcpio", "bcpio"),
    ("application/x-cpio", "cpio"),
    ("application/x-csh", "csh"),
    ("application/x-dvi", "dvi"),
    ("application/x-gtar", "gtar"),
    ("application/x-hdf", "hdf"),
    ("application/x-hdf5", "h5"),
    ("application/x-latex", "latex"),
    ("application/x-mif", "mif"),
    ("application/x-netcdf", "cdf nc"),
    ("application/x-pkcs12", "p12 pfx"),
    ("application/x-pn-realaudio", "ram"),
    ("application/x-python-code", "pyc pyo"),
    ("application/x-sh", "sh"),
    ("application/x-shar", "shar"),
    ("application/x-shockwave-flash", "swf"),
    ("application/x-sv4cpio", "sv4cpio"),
    ("application/x-sv4crc", "sv4crc"),
    ("application/x-tar", "tar"),
    ("application/x-tcl", "tcl"),
    ("application/x-tex", "tex"),
    ("application/x-texinfo", "texi texinfo"),
    ("application/x-troff", "roff t tr"),
    ("application/x-troff-man", "man"),
    ("application/x-troff-me", "me"),
    ("application/x-troff-ms", "ms"),
    ("application/x-ustar", "ustar"),
    ("application/x-wais-source", "src"),
    ("application/xml", "xsl rdf wsdl xpdl"),
    ("application/zip", "zip"),
    ("audio/3gpp", "3gp 3gpp"),
    ("audio/3gpp2", "3g2 3gpp2"),
    ("audio/aac", "aac adts loas ass"),
    ("audio/basic", "au snd"),
    ("audio/midi", "midi mid"),
    ("audio/mpeg", "mp3 mp2"),
    ("audio/opus", "opus"),
    ("audio/x-aiff", "aif aifc aiff"),
    ("audio/x-pn-realaudio", "ra"),
    ("audio/x-wav", "wav"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/gif", "gif"),
    ("image/heic", "heic"),
    ("image/heif", "heif"),
    ("image/ief", "ief"),
    ("image/jpeg", "jpg jpe jpeg"),
    ("image/pict", "pict pct pic"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/tiff", "tiff tif"),
    ("image/vnd.microsoft.icon", "ico"),
    ("image/webp", "webp"),
    ("image/x-cmu-raster", "ras"),
    ("image/x-portable-anymap", "pnm"),
    ("image/x-portable-bitmap", "pbm"),
    ("image/x-portable-graymap", "pgm"),
    ("image/x-portable-pixmap", "ppm"),
    ("image/x-rgb", "rgb"),
    ("image/x-xbitmap", "xbm"),
    ("image/x-xpixmap", "xpm"),
    ("image/x-xwindowdump", "xwd"),
    ("message/rfc822", "eml mht mhtml nws"),
    ("text/css", "css"),
    ("text/csv", "csv"),
    ("text/html", "html htm"),
    ("text/n3", "n3"),
    ("text/plain", "txt bat c h ksh pl srt"),
    ("text/richtext", "rtx"),
    ("text/tab-separated-values", "tsv"),
    ("text/vtt", "vtt"),
    ("text/x-python", "py"),
    ("text/x-setext", "etx"),
    ("text/x-sgml", "sgm sgml"),
    ("text/x-vcard", "vcf"),
    ("text/xml", "xml"),
    ("text/xul", "xul"),
    ("video/mp4", "mp4"),
    ("video/mpeg", "mpeg m1v mpa mpe mpg"),
    ("video/quicktime", "mov qt"),
    ("video/webm", "webm"),
    ("video/x-msvideo", "avi"),
    ("video/x-sgi-movie", "movie"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fields: &str, world: World) -> String {
        let fields = shevek_kit::json::read(fields).unwrap();
        let (kind, body) = body(Some(&fields), &world.probe()).unwrap();
        let boundary = kind.split('"').nth(1).unwrap().to_owned();
        assert_eq!(boundary.len(), 36, "{boundary}");
        String::from_utf8(body).unwrap().replace(&boundary, "BOUNDARY").replace("\r\n", "\n")
    }

    #[test]
    fn parts_are_written_as_python_writes_them() {
        let world = World::new().file("/f/hello.txt", "hello\n").file("/f/pkg.tar.gz", "x");
        let fields = r#"{
            "text": "a\nb",
            "file": {"filename": "/f/hello.txt"},
            "as is": {"filename": "/f/pkg.tar.gz", "multipart_encoding": "7or8bit"},
            "given": {"content": "{}", "filename": "fake \"x\".json", "mime_type": "application/json"}
        }"#;
        assert_eq!(
            text(fields, world),
            "--BOUNDARY\nContent-Transfer-Encoding: 7bit\nContent-Type: application/x-tar\n\
             Content-Disposition: form-data; name=\"as is\"; filename=\"pkg.tar.gz\"\n\nx\n\
             --BOUNDARY\nContent-Transfer-Encoding: base64\nContent-Type: text/plain\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"hello.txt\"\n\naGVsbG8K\n\n\
             --BOUNDARY\nContent-Type: application/json\n\
             Content-Disposition: form-data; name=\"given\"; filename=\"fake \\\"x\\\".json\"\n\n{}\n\
             --BOUNDARY\nContent-Type: text/plain\nContent-Disposition: form-data; name=\"text\"\n\na\nb\n\
             --BOUNDARY--\n"
        );
    }

    #[test]
    fn types_are_guessed_from_names() {
        let world = World::new().file("/etc/mime.types", "# x\nimage/x-own  own\ntext/other txt\n").probe();
        for (name, kind) in [
            ("a.json", "application/json"),
            ("a.PNG", "image/png"),
            ("a.own", "image/x-own"),
            ("a.txt", "text/other"),
            ("a.tgz", "application/x-tar"),
            ("a.gz", "application/octet-stream"),
            (".json", "application/octet-stream"),
            ("README", "application/octet-stream"),
        ] {
            assert_eq!(guessed(name, &world), kind, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_a_part_is_named() {
        let host = World::new().probe();
        let why = |fields: &str| {
            let fields = shevek_kit::json::read(fields).unwrap();
            body(Some(&fields), &host).map(drop).unwrap_err().message
        };
        let start = "failed to parse body as form-multipart: ";
        assert_eq!(why("[]"), format!("{start}Mapping is required, cannot be type list"));
        assert_eq!(
            why(r#"{"a": 1}"#),
            format!("{start}value must be a string, or mapping, cannot be type int")
        );
        assert_eq!(
            why(r#"{"a": {"content": ""}}"#),
            format!("{start}at least one of filename or content must be provided")
        );
    }
}
