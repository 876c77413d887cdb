//! What a command leaves behind in a session, by its name.
//!
//! Decides from a list of names that are known to leave nothing; whatever is not on it counts as
//! dirt. So a command that a newer server has, or a module, costs a round trip and never a leak.

/// What is left of a command when it has been answered, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trace {
    /// Nothing, and it is answered without waiting for anybody else.
    None,
    /// Something that `RESET` undoes; or it may wait for somebody else.
    Dirt,
    /// Something that `RESET` does not undo, or answers that cannot be told apart any more.
    Indelible,
}

/// Sorted. Neither commands that wait for others (`BLPOP`, `XREAD`, `WAIT`), nor any that are about
/// the connection (`SELECT`, `CLIENT`, `SUBSCRIBE`).
///
/// Scripts are on it: what they select or authenticate is theirs alone (since Redis 2.8.12).
const LEAVE_NOTHING: &[&str] = &[
    "APPEND",
    "BITCOUNT",
    "BITFIELD",
    "BITFIELD_RO",
    "BITOP",
    "BITPOS",
    "COPY",
    "DBSIZE",
    "DECR",
    "DECRBY",
    "DEL",
    "DUMP",
    "ECHO",
    "EVAL",
    "EVALSHA",
    "EVALSHA_RO",
    "EVAL_RO",
    "EXISTS",
    "EXPIRE",
    "EXPIREAT",
    "EXPIRETIME",
    "FCALL",
    "FCALL_RO",
    "FLUSHALL",
    "FLUSHDB",
    "GEOADD",
    "GEODIST",
    "GEOHASH",
    "GEOPOS",
    "GEORADIUS",
    "GEORADIUSBYMEMBER",
    "GEORADIUSBYMEMBER_RO",
    "GEORADIUS_RO",
    "GEOSEARCH",
    "GEOSEARCHSTORE",
    "GET",
    "GETBIT",
    "GETDEL",
    "GETEX",
    "GETRANGE",
    "GETSET",
    "HDEL",
    "HEXISTS",
    "HEXPIRE",
    "HEXPIREAT",
    "HEXPIRETIME",
    "HGET",
    "HGETALL",
    "HGETDEL",
    "HGETEX",
    "HINCRBY",
    "HINCRBYFLOAT",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HMSET",
    "HPERSIST",
    "HPEXPIRE",
    "HPEXPIREAT",
    "HPEXPIRETIME",
    "HPTTL",
    "HRANDFIELD",
    "HSCAN",
    "HSET",
    "HSETEX",
    "HSETNX",
    "HSTRLEN",
    "HTTL",
    "HVALS",
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "INFO",
    "KEYS",
    "LCS",
    "LINDEX",
    "LINSERT",
    "LLEN",
    "LMOVE",
    "LMPOP",
    "LPOP",
    "LPOS",
    "LPUSH",
    "LPUSHX",
    "LRANGE",
    "LREM",
    "LSET",
    "LTRIM",
    "MGET",
    "MOVE",
    "MSET",
    "MSETNX",
    "OBJECT",
    "PERSIST",
    "PEXPIRE",
    "PEXPIREAT",
    "PEXPIRETIME",
    "PFADD",
    "PFCOUNT",
    "PFMERGE",
    "PING",
    "PSETEX",
    "PTTL",
    "PUBLISH",
    "PUBSUB",
    "RANDOMKEY",
    "RENAME",
    "RENAMENX",
    "RESTORE",
    "RPOP",
    "RPOPLPUSH",
    "RPUSH",
    "RPUSHX",
    "SADD",
    "SCAN",
    "SCARD",
    "SDIFF",
    "SDIFFSTORE",
    "SET",
    "SETBIT",
    "SETEX",
    "SETNX",
    "SETRANGE",
    "SINTER",
    "SINTERCARD",
    "SINTERSTORE",
    "SISMEMBER",
    "SMEMBERS",
    "SMISMEMBER",
    "SMOVE",
    "SORT",
    "SORT_RO",
    "SPOP",
    "SPUBLISH",
    "SRANDMEMBER",
    "SREM",
    "SSCAN",
    "STRLEN",
    "SUBSTR",
    "SUNION",
    "SUNIONSTORE",
    "TIME",
    "TOUCH",
    "TTL",
    "TYPE",
    "UNLINK",
    "XACK",
    "XADD",
    "XAUTOCLAIM",
    "XCLAIM",
    "XDEL",
    "XGROUP",
    "XINFO",
    "XLEN",
    "XPENDING",
    "XRANGE",
    "XREVRANGE",
    "XSETID",
    "XTRIM",
    "ZADD",
    "ZCARD",
    "ZCOUNT",
    "ZDIFF",
    "ZDIFFSTORE",
    "ZINCRBY",
    "ZINTER",
    "ZINTERCARD",
    "ZINTERSTORE",
    "ZLEXCOUNT",
    "ZMPOP",
    "ZMSCORE",
    "ZPOPMAX",
    "ZPOPMIN",
    "ZRANDMEMBER",
    "ZRANGE",
    "ZRANGEBYLEX",
    "ZRANGEBYSCORE",
    "ZRANGESTORE",
    "ZRANK",
    "ZREM",
    "ZREMRANGEBYLEX",
    "ZREMRANGEBYRANK",
    "ZREMRANGEBYSCORE",
    "ZREVRANGE",
    "ZREVRANGEBYLEX",
    "ZREVRANGEBYSCORE",
    "ZREVRANK",
    "ZSCAN",
    "ZSCORE",
    "ZUNION",
    "ZUNIONSTORE",
];

/// The longest name on the list, and room for one that is not.
const LONGEST: usize = 24;

const INDELIBLE: [&[u8]; 5] = [b"MONITOR", b"SYNC", b"PSYNC", b"REPLCONF", b"QUIT"];

/// Of `CLIENT`: what switches answers off, and what Redis 7.0's `RESET` was seen to leave in place or
/// knows nothing of.
const INDELIBLE_OF_CLIENT: [&[u8]; 4] = [b"REPLY", b"NO-EVICT", b"NO-TOUCH", b"SETINFO"];

/// Of `CLIENT`: what only asks.
const ASKING_OF_CLIENT: [&[u8]; 6] = [
    b"GETNAME",
    b"GETREDIR",
    b"ID",
    b"INFO",
    b"LIST",
    b"TRACKINGINFO",
];

/// What the commands of one request leave behind together. `MULTI` to `EXEC` within one request is
/// over when it has been answered.
#[derive(Debug)]
pub(crate) struct Request {
    trace: Trace,
    in_transaction: bool,
}

impl Request {
    pub(crate) const fn new() -> Self {
        Self {
            trace: Trace::None,
            in_transaction: false,
        }
    }

    /// Adds a command by its name and first argument.
    pub(crate) fn add(&mut self, name: &[u8], argument: Option<&[u8]>) {
        let trace = if name.eq_ignore_ascii_case(b"MULTI") {
            self.in_transaction = true;
            Trace::None
        } else if self.in_transaction && ends_transaction(name) {
            self.in_transaction = false;
            Trace::None
        } else {
            trace_of(name, argument)
        };
        self.trace = self.trace.max(trace);
    }

    /// Something is in it that was not understood.
    pub(crate) fn add_unknown(&mut self) {
        self.trace = self.trace.max(Trace::Dirt);
    }

    pub(crate) fn trace(&self) -> Trace {
        if self.in_transaction {
            self.trace.max(Trace::Dirt)
        } else {
            self.trace
        }
    }
}

fn ends_transaction(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"EXEC") || name.eq_ignore_ascii_case(b"DISCARD")
}

fn trace_of(name: &[u8], argument: Option<&[u8]>) -> Trace {
    if leaves_nothing(name) {
        return Trace::None;
    }
    let is = |known: &&[u8]| name.eq_ignore_ascii_case(known);
    let of_client = |known: &&[u8]| argument.is_some_and(|given| given.eq_ignore_ascii_case(known));
    let client = name.eq_ignore_ascii_case(b"CLIENT");
    if client && ASKING_OF_CLIENT.iter().any(of_client) {
        return Trace::None;
    }
    if INDELIBLE.iter().any(is) || (client && INDELIBLE_OF_CLIENT.iter().any(of_client)) {
        return Trace::Indelible;
    }
    Trace::Dirt
}

fn leaves_nothing(name: &[u8]) -> bool {
    let mut upper = [0; LONGEST];
    let Some(upper) = upper.get_mut(..name.len()) else {
        return false;
    };
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    LEAVE_NOTHING
        .binary_search_by(|known| known.as_bytes().cmp(upper))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::{LEAVE_NOTHING, LONGEST, Request, Trace};

    fn trace(commands: &[&str]) -> Trace {
        let mut request = Request::new();
        for command in commands {
            let mut words = command.split(' ').map(str::as_bytes);
            request.add(words.next().unwrap(), words.next());
        }
        request.trace()
    }

    #[test]
    fn the_list_can_be_searched() {
        assert!(LEAVE_NOTHING.is_sorted());
        assert!(LEAVE_NOTHING.iter().all(|name| name.len() <= LONGEST));
        for name in LEAVE_NOTHING {
            assert_eq!(trace(&[name]), Trace::None, "{name}");
        }
    }

    #[test]
    fn what_leaves_nothing() {
        for commands in [
            &["GET a"][..],
            &["get a", "Set a 1"],
            &["MULTI", "SET a 1", "EXEC"],
            &["multi", "SET a 1", "discard", "GET a"],
            &["EVAL return_1 0"],
            &["CLIENT ID", "client info"],
        ] {
            assert_eq!(trace(commands), Trace::None, "{commands:?}");
        }
    }

    #[test]
    fn what_is_dirt() {
        for commands in [
            &["SELECT 1"][..],
            &["WATCH a"],
            &["MULTI"],
            &["EXEC"],
            &["DISCARD"],
            &["MULTI", "SET a 1"],
            &["MULTI", "EXEC", "MULTI"],
            &["MULTI", "SELECT 1", "EXEC"],
            &["GET a", "SUBSCRIBE c"],
            &["CLIENT SETNAME a"],
            &["CLIENT"],
            &["AUTH a"],
            &["HELLO 3"],
            &["RESET"],
            &["BLPOP a 0"],
            &["XREAD BLOCK 0"],
            &["WAIT 1 0"],
            &["READONLY"],
            &["ASKING"],
            &["JSON.GET a"],
            &["A_NAME_THAT_IS_LONGER_THAN_ANY_OTHER_NAME"],
            &[""],
        ] {
            assert_eq!(trace(commands), Trace::Dirt, "{commands:?}");
        }
    }

    #[test]
    fn what_is_indelible() {
        for commands in [
            &["CLIENT REPLY"][..],
            &["client reply"],
            &["CLIENT NO-EVICT"],
            &["CLIENT NO-TOUCH"],
            &["CLIENT SETINFO"],
            &["MONITOR", "GET a"],
            &["MULTI", "QUIT", "EXEC"],
            &["psync ? -1"],
        ] {
            assert_eq!(trace(commands), Trace::Indelible, "{commands:?}");
        }
    }
}
