//! `uri` sends what the controller has.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::lab::Lab;

/// A web server for one request: its port, and what came.
fn server() -> (u16, thread::JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).unwrap() > 0, "the request ended early: {head}");
        }
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).unwrap();
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    (port, served)
}

#[test]
fn a_file_of_the_controller_is_the_body_of_a_request() {
    let (port, served) = server();
    let lab = Lab::local()
        .file("files/body.json", "{\"from\": \"the controller\"}")
        .playbook(&format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - uri:\n        url: http://localhost:{port}/upload\n        \
             method: PUT\n        src: body.json\n        status_code: 201\n"
        ));
    lab.run([]).exit(0);
    let (head, body) = served.join().unwrap();
    assert!(head.starts_with("PUT /upload HTTP/1.1\r\n"), "{head}");
    assert_eq!(body, "{\"from\": \"the controller\"}");
}

#[test]
fn an_encrypted_file_is_sent_as_it_is() {
    let (port, served) = server();
    let text = "$ANSIBLE_VAULT;1.1;AES256\n6162\n";
    let lab = Lab::local().file("files/secret", text).playbook(&format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - uri: {{ url: 'http://localhost:{port}/', method: PUT, \
         src: secret, status_code: 201 }}\n"
    ));
    lab.run([]).exit(0);
    assert_eq!(served.join().unwrap().1, text);
}

#[test]
fn a_form_in_parts_takes_files_of_the_controller_along() {
    let (port, served) = server();
    let lab = Lab::local().file("files/report.txt", "a report\n").playbook(&format!(
        "- hosts: all
  gather_facts: false
  tasks:
    - uri:
        url: http://localhost:{port}/upload
        method: POST
        body_format: form-multipart
        headers: {{ Content-Type: text/plain }}
        body:
          title: for you
          report: {{ filename: report.txt }}
          notes: {{ filename: never/there.json, content: '{{}}' }}
        status_code: 201
"
    ));
    lab.run([]).exit(0);
    let (head, body) = served.join().unwrap();
    let kind = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=\"").unwrap().trim_end_matches('"');
    assert_eq!(
        body.replace(boundary, "BOUNDARY").replace("\r\n", "\n"),
        "--BOUNDARY\nContent-Type: application/json\n\
         Content-Disposition: form-data; name=\"notes\"; filename=\"there.json\"\n\n{}\n\
         --BOUNDARY\nContent-Transfer-Encoding: base64\nContent-Type: text/plain\n\
         Content-Disposition: form-data; name=\"report\"; filename=\"report.txt\"\n\nYSByZXBvcnQK\n\n\
         --BOUNDARY\nContent-Type: text/plain\nContent-Disposition: form-data; name=\"title\"\n\nfor you\n\
         --BOUNDARY--\n"
    );
}
