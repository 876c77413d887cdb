//! Requests as they go over the wire: the names in them.
//!
//! Decides nothing about what they mean. What is no array of strings is not understood, and said so.

use crate::commands::Request;

/// Reads the commands of an encoded request.
pub(crate) fn read(mut bytes: &[u8]) -> Request {
    let mut request = Request::new();
    while !bytes.is_empty() {
        let Some(rest) = read_command(bytes, &mut request) else {
            request.add_unknown();
            break;
        };
        bytes = rest;
    }
    request
}

/// Reads one command; answers what follows it.
fn read_command<'a>(bytes: &'a [u8], request: &mut Request) -> Option<&'a [u8]> {
    let (count, mut rest) = read_number(bytes, b'*')?;
    let mut words = [None; 2];
    for place in 0..count {
        let (length, after) = read_number(rest, b'$')?;
        let (word, after) = after.split_at_checked(length)?;
        if let Some(kept) = words.get_mut(place) {
            *kept = Some(word);
        }
        rest = after.strip_prefix(b"\r\n")?;
    }
    request.add(words[0]?, words[1]);
    Some(rest)
}

fn read_number(bytes: &[u8], mark: u8) -> Option<(usize, &[u8])> {
    let bytes = bytes.strip_prefix(&[mark])?;
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let (digits, rest) = bytes.split_at(end);
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((number, &rest[2..]))
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::commands::Trace;

    #[test]
    fn what_redis_rs_encodes_is_read() {
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("SET").arg("a\r\n$1").arg(&[0, 13, 10]);
        pipe.cmd("GET").arg("");
        assert_eq!(read(&pipe.get_packed_pipeline()).trace(), Trace::None);
        pipe.cmd("CLIENT").arg("REPLY").arg("OFF");
        assert_eq!(read(&pipe.get_packed_pipeline()).trace(), Trace::Indelible);
        let select = redis::cmd("SELECT").arg(1).get_packed_command();
        assert_eq!(read(&select).trace(), Trace::Dirt);
    }

    #[test]
    fn what_cannot_be_read_is_dirt() {
        for bytes in [
            &b"PING\r\n"[..],
            b"*",
            b"*0\r\n",
            b"*1\r\n",
            b"*1\r\n$4\r\nPING",
            b"*1\r\n$9\r\nPING\r\n",
            b"*-1\r\n",
            b"*99999999999999999999999\r\n",
            b"*1\r\n$4\r\nPING\r\n*",
            b"*1\r\n$4\r\nPING\r\nSELECT 1\r\n",
        ] {
            assert_eq!(read(bytes).trace(), Trace::Dirt, "{bytes:?}");
        }
    }
}
