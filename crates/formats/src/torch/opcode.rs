//! The pickle opcodes that are accepted, and the names of those that are not.

/// Defines [`Opcode`], so that the table below is all there is: a new line makes the interpreter's
/// exhaustive match fail to compile until it says what the opcode does. Names are `pickletools`'.
macro_rules! opcodes {
    ($($(#[doc = $effect:literal])* $opcode:ident = $byte:literal,)*) => {
        /// An accepted opcode: its argument in the pickle and its effect on the stack. "Items" are the
        /// values above the last mark; taking them removes the mark too.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Opcode { $($(#[doc = $effect])* $opcode,)* }

        impl Opcode {
            pub(super) fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $($byte => Some(Self::$opcode),)*
                    _ => None,
                }
            }
        }
    };
}

opcodes! {
    /// u8: the protocol. Must be 2 or less.
    Proto = 0x80,
    /// Ends the pickle. Takes the one value left: the result.
    Stop = b'.',

    /// Pushes None.
    None = b'N',
    /// Pushes True.
    NewTrue = 0x88,
    /// Pushes False.
    NewFalse = 0x89,
    /// u8: pushes it.
    BinInt1 = b'K',
    /// u16: pushes it.
    BinInt2 = b'M',
    /// i32: pushes it.
    BinInt = b'J',
    /// u8, then as many bytes of a little-endian two's complement number, at most 8: pushes it.
    Long1 = 0x8a,
    /// f64, big-endian: pushes it.
    BinFloat = b'G',
    /// u32, then as many bytes of UTF-8: pushes the string.
    BinUnicode = b'X',
    /// u8, then as many bytes: pushes them as a string, which must be UTF-8. Python 2.
    ShortBinString = b'U',
    /// i32, then as many bytes: pushes them as a string, which must be UTF-8. Python 2.
    BinString = b'T',

    /// Sets a mark.
    Mark = b'(',
    /// Pushes an empty tuple.
    EmptyTuple = b')',
    /// Takes one value, pushes a tuple of it.
    Tuple1 = 0x85,
    /// Takes two values, pushes a tuple of them.
    Tuple2 = 0x86,
    /// Takes three values, pushes a tuple of them.
    Tuple3 = 0x87,
    /// Takes the items, pushes a tuple of them.
    Tuple = b't',
    /// Pushes an empty list.
    EmptyList = b']',
    /// Takes a value, appends it to the list below.
    Append = b'a',
    /// Takes the items, appends them to the list below.
    Appends = b'e',
    /// Pushes an empty dictionary.
    EmptyDict = b'}',
    /// Takes a key and a value, adds them to the dictionary below.
    SetItem = b's',
    /// Takes the items, keys and values in turn, adds them to the dictionary below.
    SetItems = b'u',

    /// u8: keeps the top of the stack in the memo under that number.
    BinPut = b'q',
    /// u32: keeps the top of the stack in the memo under that number.
    LongBinPut = b'r',
    /// u8: pushes what the memo keeps under that number.
    BinGet = b'h',
    /// u32: pushes what the memo keeps under that number.
    LongBinGet = b'j',

    /// Two lines, module and name: pushes that global, one of `globals::ALLOWED`.
    Global = b'c',
    /// Takes a tuple and a global, pushes what `globals::call` makes of them.
    Reduce = b'R',
    /// Takes a state and drops it: the attributes of an OrderedDict or a parameter.
    Build = b'b',
    /// Takes a tuple, pushes the storage that it describes.
    BinPersId = b'Q',
}

/// Python's name of an opcode that is not accepted, for the message.
pub(super) fn refused_name(byte: u8) -> Option<&'static str> {
    let name = match byte {
        b'0' => "POP",
        b'1' => "POP_MARK",
        b'2' => "DUP",
        b'F' => "FLOAT",
        b'I' => "INT",
        b'L' => "LONG",
        b'P' => "PERSID",
        b'S' => "STRING",
        b'V' => "UNICODE",
        b'd' => "DICT",
        b'g' => "GET",
        b'i' => "INST",
        b'l' => "LIST",
        b'o' => "OBJ",
        b'p' => "PUT",
        b'B' => "BINBYTES",
        b'C' => "SHORT_BINBYTES",
        0x81 => "NEWOBJ",
        0x82 => "EXT1",
        0x83 => "EXT2",
        0x84 => "EXT4",
        0x8b => "LONG4",
        0x8c => "SHORT_BINUNICODE",
        0x8d => "BINUNICODE8",
        0x8e => "BINBYTES8",
        0x8f => "EMPTY_SET",
        0x90 => "ADDITEMS",
        0x91 => "FROZENSET",
        0x92 => "NEWOBJ_EX",
        0x93 => "STACK_GLOBAL",
        0x94 => "MEMOIZE",
        0x95 => "FRAME",
        0x96 => "BYTEARRAY8",
        0x97 => "NEXT_BUFFER",
        0x98 => "READONLY_BUFFER",
        _ => return None,
    };
    Some(name)
}
