//! Mapping files: every line is named by its number, and what is read says the same when it is written again.

use qiao::flows::mapping_file::{Format, Line, MAX_LINE, Reader, Writer};

use crate::Target;
use crate::told::assert_fit;

pub(crate) const TARGET: Target = Target {
    name: "mapping_file",
    check,
    words: &[
        "account,openid",
        ",customer_id,object_id,state,name",
        "\n",
        "\r\n",
        "\u{feff}",
        "main,oABC,1000441,,linked,\n",
        "\"",
        "\"\"",
        "\",\"",
        "{\"account\":\"main\",\"openid\":\"oABC\"}\n",
        "\"object_id\":\"00163EAA11111EE7B8975BD4AB3F0001\",",
        "\"name\":null",
        "\\ud800",
        "\\n",
        "hunter2-do-not-show",
    ],
};

fn check(bytes: &[u8]) {
    for format in [Format::Csv, Format::Jsonl] {
        let ends = bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
        let (mut before, mut lines) = (0, Vec::new());
        for read in Reader::new(bytes, format) {
            let read = read.expect("bytes in memory");
            assert!(read.number > before && read.number <= ends + 1);
            before = read.number;
            match read.line {
                Ok(line) => lines.push(line),
                Err(fault) => assert_fit(&fault),
            }
        }
        say_again(&lines, format);
    }
}

/// An empty text is none. What JSON escapes may be a control character, which no field may hold, or a line that is too
/// long once it is written.
fn say_again(lines: &[Line], format: Format) {
    for line in lines {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file, format).expect("memory");
        writer.line(line).expect("memory");
        writer.flush().expect("memory");
        drop(writer);
        let mut again = Reader::new(file.as_slice(), format).map(|read| read.expect("memory").line);
        if let Some(Ok(read)) = again.next() {
            assert!(read == *line, "it says something else");
        } else {
            assert!(file.len() > MAX_LINE, "what was written cannot be read");
        }
    }
}
