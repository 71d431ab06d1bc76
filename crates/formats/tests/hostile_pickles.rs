//! Pickles made to run code, to overflow the stack or to fill the memory: nothing happens but an error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(feature = "torch")]

mod common;

use common::pth::{ORDERED_DICT, call, dict, floats, int, legacy, text, tuple, vector, zipped};
use common::turn;
use gradex_formats::{Error, Result, StateDict};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Opcodes that one pickle may have, and what the interpreter may allocate for each.
const STEPS: usize = 1 << 20;
const BYTES_A_STEP: usize = 160;

/// Reads a checkpoint whose object is `object`, with no storages; checks what is allocated.
fn read(object: &[u8]) -> Result<StateDict> {
    let (file, zip) = (legacy(object, &[]), zipped(object, &[]));
    let outcomes = [&file, &zip].map(|file| {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let outcome = StateDict::from_pth(file);
        let peak = ALLOCATOR.peak_usage().saturating_sub(before);
        let allowed = (128 << 10) + BYTES_A_STEP * file.len().min(STEPS);
        assert!(peak <= allowed, "{peak} bytes allocated for a file of {}, {allowed} allowed", file.len());
        outcome
    });
    let [legacy, zip] = outcomes.map(|outcome| outcome.map_err(|error| error.to_string()));
    assert_eq!(legacy.as_ref().err(), zip.as_ref().err(), "the two formats disagree");
    StateDict::from_pth(&file)
}

fn message(object: &[u8]) -> String {
    read(object).expect_err("it was read").to_string()
}

#[test]
fn every_global_that_no_tensor_needs_is_refused_by_name() {
    let _turn = turn();
    for name in [
        "os.system",
        "posix.system",
        "nt.system",
        "subprocess.Popen",
        "builtins.eval",
        "builtins.getattr",
        "__builtin__.exec",
        "__main__.Model",
        "argparse.Namespace",
        "collections.Counter",
        "collections.defaultdict",
        "collections.OrderedDict.fromkeys",
        "numpy.core.multiarray._reconstruct",
        "torch.load",
        "torch.ComplexFloatStorage",
        "torch.QInt8Storage",
        "torch.storage.UntypedStorage",
        "torch.storage._load_from_bytes",
        "torch._utils._rebuild_tensor_v3",
        "torch._utils._rebuild_qtensor",
        "torch._utils._rebuild_sparse_tensor",
        "torch._utils._rebuild_parameter_with_state",
        "torch._utils._rebuild_device_tensor_from_numpy",
        "torch._tensor._rebuild_from_type_v2",
        "torch.nn.modules.linear.Linear",
        "torchvision.models.resnet.ResNet",
    ] {
        // Called, merely named, and hidden beside a sound state dict.
        let called = call(name, &[text("echo")]);
        let (module, function) = name.rsplit_once('.').unwrap();
        let named = format!("c{module}\n{function}\n").into_bytes();
        let hidden = dict(&[("state_dict", dict(&[("w", vector("0", 1))])), ("extra", named.clone())]);
        for object in [called, named, hidden] {
            match read(&object) {
                Err(Error::ForbiddenGlobal { name: found, .. }) => assert_eq!(found, name),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert!(message(&call(name, &[])).contains(&format!("`{name}`")));
    }
}

#[test]
fn the_textbook_exploits_run_nothing() {
    let _turn = turn();
    let scratch = std::env::temp_dir().join(format!("gradex-formats-exploit-{}", std::process::id()));
    let command = format!("touch {}", scratch.display());
    let exploits = [
        format!("cos\nsystem\n(S'{command}'\ntR").into_bytes(),
        format!("cposix\nsystem\n(X\0\0\0\0{command}\ntR").into_bytes(),
        format!("(S'{command}'\nios\nsystem\n").into_bytes(),
        [&b"cbuiltins\nexec\n"[..], &text(&format!("import os; os.system('{command}')")), b"\x85R"].concat(),
        [&b"ctorch._utils\n_rebuild_tensor_v2\n"[..], b"cos\nsystem\n", &text(&command), b"\x85R\x85R"].concat(),
    ];
    for exploit in exploits {
        let error = read(&exploit).unwrap_err();
        assert!(matches!(error, Error::ForbiddenGlobal { .. } | Error::ForbiddenOpcode { .. }), "{error}");
        assert!(!scratch.exists(), "the exploit ran");
    }
}

#[test]
fn every_other_opcode_is_refused_by_name() {
    let _turn = turn();
    const ACCEPTED: &[u8] = b".NKMJ\x8aGXUT\x88\x89()\x85\x86\x87t]ae}suqrhjcRbQ\x80";
    let mut refused = 0;
    for byte in (0..=255).filter(|byte| !ACCEPTED.contains(byte)) {
        match read(&[byte]) {
            Err(Error::ForbiddenOpcode { opcode, offset: 2, .. }) => assert_eq!(opcode, byte),
            other => panic!("opcode {byte:#x}: {other:?}"),
        }
        refused += 1;
    }
    assert_eq!(refused, 256 - ACCEPTED.len());
    for (byte, name) in [(0x81, "NEWOBJ"), (b'i', "INST"), (b'o', "OBJ"), (0x93, "STACK_GLOBAL"), (0x82, "EXT1")] {
        assert!(message(&[byte]).contains(&format!("opcode {name} (0x{byte:02x}, at byte 2)")));
    }
}

#[test]
fn later_protocols_are_refused_with_what_to_do() {
    let _turn = turn();
    for protocol in 3..=5 {
        let said = message(&[0x80, protocol]);
        assert!(said.contains(&format!("pickle protocol {protocol}")) && said.contains("protocol 2"), "{said}");
    }
}

#[test]
fn nesting_a_million_deep_overflows_nothing() {
    let _turn = turn();
    for (what, opcode) in [("lists", "]"), ("marks", "("), ("dictionaries", "}"), ("empty tuples", ")"), ("None", "N")]
    {
        let said = message(opcode.repeat(2 * STEPS).as_bytes());
        assert!(said.contains("more than 1048576 steps"), "{what}: {said}");
    }
    // Closed again, so that each is really inside the next.
    let depth = STEPS / 3 - 100;
    for (opening, closing, kind) in [
        (b"]".repeat(depth + 1), b"a".repeat(depth), "a list"),
        (b"(".repeat(depth), b"t".repeat(depth), "a tuple"),
        (b")".to_vec(), b"\x85".repeat(depth), "a tuple"),
        (b")".repeat(depth + 1), b"\x86".repeat(depth), "a tuple"),
        ([b"}N".repeat(depth), b"}".to_vec()].concat(), b"s".repeat(depth), "None instead of the name of a tensor"),
    ] {
        let said = message(&[opening, closing].concat());
        assert!(said.contains(kind), "{said}");
    }
}

#[test]
fn a_deep_and_a_cyclic_value_beside_a_state_dict_are_harmless() {
    let _turn = turn();
    let depth = 300_000;
    let deep = [b"]".repeat(depth), b"a".repeat(depth - 1)].concat();
    let cyclic = b"]q\x07h\x07ah\x07a".to_vec();
    let object = dict(&[("state_dict", dict(&[("w", vector("0", 2))])), ("deep", deep), ("cyclic", cyclic)]);
    let state = StateDict::from_pth(&zipped(&object, &[("data/0", floats(&[1.0, 2.0]))])).unwrap();
    assert_eq!(state.tensors["w"].as_slice().unwrap(), [1.0, 2.0]);
}

#[test]
fn values_that_double_with_every_opcode_are_never_unfolded() {
    let _turn = turn();
    // 60 tuples, each of the one before twice: 2^60 leaves.
    let mut laughs = b")q\x00".to_vec();
    for level in 0..60u8 {
        laughs.extend([b'h', level, b'h', level, 0x86, b'q', level + 1]);
    }
    let laughs = [&b"("[..], &laughs, b"t"].concat();
    let object = dict(&[("state_dict", dict(&[("w", vector("0", 1))])), ("laughs", laughs)]);
    assert!(StateDict::from_pth(&zipped(&object, &[("data/0", floats(&[1.0]))])).is_ok());
}

#[test]
fn a_memo_number_of_four_thousand_million_costs_one_entry() {
    let _turn = turn();
    assert!(message(b"Nr\xff\xff\xff\xffj\xfe\xff\xff\xff").contains("nothing is kept under 4294967294"));
    assert!(message(b"Nr\xff\xff\xff\xff").contains("None instead of a state dict"));
}

#[test]
fn a_short_tuple_made_from_a_tall_stack_keeps_no_more_than_it_holds() {
    let _turn = turn();
    let tall = [&b"("[..], &b"N".repeat(60_000), b"t"].concat();
    let object = [tall, b"\x85".repeat(200_000)].concat();
    assert!(message(&object).contains("a tuple instead of a state dict"));
}

#[test]
fn copying_one_long_list_again_and_again_runs_out_of_steps() {
    let _turn = turn();
    let list = [&b"]q\x00("[..], &b"h\x01".repeat(1000), b"e"].concat();
    let pair = b"NN\x86q\x01".to_vec();
    let copies = b"ccollections\nOrderedDict\nh\x00\x85R".repeat(20_000);
    let said = message(&[&b"("[..], &pair, &list, &copies, b"t"].concat());
    assert!(said.contains("more than 1048576 steps"), "{said}");
}

#[test]
fn calls_of_the_wrong_thing_or_with_the_wrong_arguments_are_errors() {
    let _turn = turn();
    let rebuild = "torch._utils._rebuild_tensor_v2";
    for (object, said) in [
        (b"N)R".to_vec(), "no global"),
        ([text("os.system"), b")R".to_vec()].concat(), "no global"),
        (b"ccollections\nOrderedDict\nNR".to_vec(), "the arguments are no tuple"),
        (call("collections.OrderedDict", &[int(3)]), "OrderedDict cannot be called with (the integer 3)"),
        (call("collections.OrderedDict", &[b"](Ne".to_vec()]), "other than pairs"),
        (call("torch.FloatStorage", &[int(1 << 40)]), "torch.FloatStorage cannot be called"),
        (call(rebuild, &[]), "_rebuild_tensor_v2 cannot be called with ()"),
        (call(rebuild, &vec![b"N".to_vec(); 6]), "cannot be called with (None, None, None, None, None, None)"),
        (call(rebuild, &vec![b"N".to_vec(); 7]), "lazy conjugate"),
        (call(rebuild, &vec![b"N".to_vec(); 9]), "9 arguments"),
        (call("torch._utils._rebuild_parameter", &[int(1), int(2), int(3)]), "_rebuild_parameter cannot be called"),
        (call("torch.nn.parameter.Parameter", &[ORDERED_DICT.to_vec()]), "Parameter cannot be called"),
        (b"N}b".to_vec(), "a dictionary cannot be the state of None"),
        (b"}(tb".to_vec(), "a tuple cannot be the state of a dictionary"),
        ([vector("0", 1), b"}b".to_vec()].concat(), "a dictionary cannot be the state of a tensor"),
        (b"]NNs".to_vec(), "no dictionary"),
        (b"}(Nu".to_vec(), "a key has no value"),
        (b"}Na".to_vec(), "no list"),
        (b"(NQ".to_vec(), "the arguments are no tuple"),
        ([tuple(&[text("module"), text("x")]), b"Q".to_vec()].concat(), "does not describe a storage"),
    ] {
        let message = message(&object);
        assert!(message.contains(said), "expected {said}: {message}");
    }
}

#[test]
fn a_stack_used_wrongly_is_an_error() {
    let _turn = turn();
    for object in [
        &b""[..],
        b"a",
        b"t",
        b"\x85",
        b"\x86",
        b"N\x86",
        b"N(\x85",
        b"N(\x86",
        b"(a",
        b"R",
        b"b",
        b"q\0",
        b"u",
        b"NN",
        b"N(",
    ] {
        let message = message(object);
        assert!(
            ["the stack is empty", "no mark", "values left", "no list", "no dictionary"]
                .iter()
                .any(|s| message.contains(s)),
            "{object:?}: {message}"
        );
    }
}

#[test]
fn lengths_and_numbers_beyond_the_pickle_are_errors() {
    let _turn = turn();
    for (object, said) in [
        (&b"X\xff\xff\xff\xff"[..], "4294967295 bytes should follow"),
        (b"T\xff\xff\xff\x7f", "2147483647 bytes should follow"),
        (b"U\xff", "255 bytes should follow"),
        (b"\x8a\xff", "255 bytes should follow"),
        (b"\x8a\x09123456789", "an integer of 9 bytes"),
        (b"X\x02\x00\x00\x00\xff\xfe", "not UTF-8"),
        (b"G1234567", "the pickle"),
        (b"ccollections", "a line does not end"),
        (b"c\xff\xfe\nx\n", "not UTF-8"),
    ] {
        // Last in a zip, so that nothing follows but the STOP.
        let message = StateDict::from_pth(&zipped(object, &[])).unwrap_err().to_string();
        assert!(message.contains(said), "expected {said}: {message}");
    }
}
