//! Whatever a host says, in whatever pieces, is messages or an error: a hostile host must not stop the controller.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shevek_proto::{Decoder, Down, Up, encode};

fuzz_target!(|bytes: &[u8]| {
    let mut whole = Decoder::new();
    whole.push(bytes);
    while let Ok(Some(message)) = whole.next::<Up>() {
        encode(&message).unwrap();
    }
    let mut pieces = Decoder::new();
    for piece in bytes.chunks(3) {
        pieces.push(piece);
        while let Ok(Some(message)) = pieces.next::<Down>() {
            encode(&message).unwrap();
        }
    }
});
