//! `sekisho exec`: what a command prints is masked, and otherwise nobody can tell.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use crate::sidecar::binary;

fn token() -> String {
    format!("gh{}_{}", 'p', "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8")
}

fn exec(options: &[&str], shell: &str) -> Output {
    let mut command = binary();
    command.arg("exec").args(options).args(["--", "sh", "-c", shell]).env("TOKEN", token()).stdin(Stdio::null());
    command.output().unwrap()
}

/// A command whose stdin and stdout are held.
struct Held {
    child: Child,
    stdin: ChildStdin,
    seen: String,
}

impl Held {
    fn start(mut command: Command) -> Self {
        let mut child = command.env("TOKEN", token()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        Self { child, stdin, seen: String::new() }
    }

    fn shell(shell: &str) -> Self {
        let mut command = binary();
        command.args(["exec", "--", "sh", "-c", shell]);
        Self::start(command)
    }

    /// Reads until what came out holds `word`. The test's own limit ends a wait for what never comes.
    fn until(&mut self, word: &str) {
        let out = self.child.stdout.as_mut().unwrap();
        let mut piece = [0; 256];
        while !self.seen.contains(word) {
            let came = out.read(&mut piece).unwrap();
            assert!(came > 0, "no `{word}` in {}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&piece[..came]));
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn end(mut self) -> (Option<i32>, String) {
        drop(self.stdin);
        self.child.stdout.take().unwrap().read_to_string(&mut self.seen).unwrap();
        (self.child.wait().unwrap().code(), self.seen)
    }
}

#[test]
fn both_streams_are_masked_and_stay_apart() {
    let output = exec(&[], "echo \"out $TOKEN.\"; echo \"err $TOKEN.\" >&2; printf 'no end'");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "out ghp_****Q7r8.\nno end");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "err ghp_****Q7r8.\n");
}

#[test]
fn a_secret_is_masked_though_it_comes_in_two_pieces_with_a_pause_between() {
    let token = token();
    let (first, rest) = token.split_at(20);
    let mut held = Held::shell(&format!("printf 'seen {first}'; read line; echo '{rest} and more'"));
    held.until("seen");
    held.stdin.write_all(b"\n").unwrap();
    assert_eq!(held.end(), (Some(0), "seen ghp_****Q7r8 and more\n".to_owned()));
}

#[test]
fn prompts_appear_and_are_answered() {
    for prompt in ["Continue? [y/N] ", "name: ", "$ ", "(gdb) ", "sql> "] {
        let mut held = Held::shell(&format!("printf '{prompt}'; read answer; echo \"<$answer>\""));
        held.until(prompt.trim_end());
        held.stdin.write_all(b"yes\n").unwrap();
        assert_eq!(held.end(), (Some(0), format!("{prompt}<yes>\n")));
    }
}

#[test]
fn it_ends_as_the_command_ends() {
    for (shell, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        assert_eq!(exec(&[], shell).status.code(), Some(code), "{shell}");
    }
}

#[test]
fn what_cannot_be_run_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("plain"), "no program").unwrap();
    std::fs::write(path("script"), "#!/nowhere/interpreter\n").unwrap();
    set_executable(&dir.path().join("script"));
    let cases = [
        ("no-such-command-anywhere".to_owned(), 127, "PATH"),
        (path("gone"), 127, "no such file"),
        (path("script"), 127, "interpreter"),
        (path("plain"), 126, "ermission denied"),
        (path(""), 126, "ermission denied"),
    ];
    for (command, code, why) in cases {
        let output = binary().args(["exec", "--", &command]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command}: {said}");
        assert!(said.lines().count() == 1 && said.contains(why), "{said}");
    }
}

fn set_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn signals_are_sent_on() {
    for name in ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"] {
        let trap = format!("trap 'echo got {name}; exit 9' {name}; echo ready; while read line; do :; done");
        let mut command = Command::new("setsid");
        // Without a terminal of ours, no keyboard sends a SIGINT.
        command.arg(env!("CARGO_BIN_EXE_sekisho")).args(["exec", "--", "sh", "-c", &trap]);
        let mut held = Held::start(command);
        held.until("ready");
        held.signal(&format!("-{name}"));
        held.until(&format!("got {name}"));
        assert_eq!(held.end().0, Some(9), "{name}");
    }
}

#[test]
fn a_signal_that_ends_the_command_is_told_and_one_ignored_stays_ignored() {
    let mut held = Held::shell("echo ready; exec cat");
    held.until("ready");
    held.signal("-TERM");
    held.until("ready");
    assert_eq!(held.child.wait().unwrap().code(), Some(143));

    let mut command = Command::new("sh");
    let inner = "exec \"$0\" exec -- sh -c 'echo ready; read line; kill -HUP $$; echo alive'";
    command.args(["-c", &format!("trap '' HUP; {inner}"), env!("CARGO_BIN_EXE_sekisho")]);
    let mut held = Held::start(command);
    held.until("ready");
    held.signal("-HUP");
    held.stdin.write_all(b"\n").unwrap();
    assert_eq!(held.end(), (Some(0), "ready\nalive\n".to_owned()));
}

#[test]
fn what_a_command_leaves_behind_is_masked_until_a_signal() {
    let mut held = Held::shell("(read line; echo \"late $TOKEN\"; exec cat) <&0 & echo started");
    held.until("started");
    held.stdin.write_all(b"\n").unwrap();
    held.until("late ghp_****Q7r8");
    held.signal("-TERM");
    assert_eq!(held.child.wait().unwrap().code(), Some(0));
}

#[test]
fn much_goes_through_both_streams_unchanged() {
    let lines = "i=0; while [ $i -lt 100 ]; do yes 'order accepted qty=0.50' | head -c 50000; i=$((i+1)); done";
    let output = exec(&[], &format!("({lines}) & ({lines}) >&2; wait"));
    let expected = b"order accepted qty=0.50\n".repeat(2084)[..50_000].repeat(100);
    assert!(output.stdout == expected, "{} bytes", output.stdout.len());
    assert!(output.stderr == expected, "{} bytes", output.stderr.len());
}

#[test]
fn a_reader_that_goes_away_ends_the_command_as_a_pipe_does() {
    let mut held = Held::shell("exec yes");
    held.until("y\ny\n");
    drop(held.child.stdout.take());
    assert_eq!(held.child.wait().unwrap().code(), Some(128 + 13));
}

#[test]
fn findings_are_told_only_when_asked_for_and_fail_only_when_asked_to() {
    let leak = "echo $TOKEN; echo $TOKEN >&2; exit ";
    let cases: [(&[&str], u8, u8); 5] = [
        (&[], 0, 0),
        (&["--report"], 0, 0),
        (&["--fail-on-finding"], 0, 1),
        (&["--fail-on-finding"], 5, 5),
        (&["--report", "--fail-on-finding"], 0, 1),
    ];
    for (options, ended, code) in cases {
        let output = exec(options, &format!("{leak}{ended}"));
        assert_eq!(output.status.code(), Some(code.into()), "{options:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let told = said.contains("2 findings\n") && said.contains("stdout: critical: github-token: 1\n");
        assert_eq!(told, options.contains(&"--report"), "{said}");
    }
    assert_eq!(exec(&["--fail-on-finding"], "echo clean").status.code(), Some(0));
}

#[test]
fn on_a_terminal_the_command_has_a_terminal() {
    let script = r#"
import fcntl, os, pty, signal, struct, sys, termios
def size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
# Without `noflsh` a terminal throws away at a Ctrl-C what is on its way to the screen.
shell = '''
stty noflsh
trap 'stty size <&1' WINCH
trap 'echo interrupted; exit 3' INT
test -t 0 && test -t 1 && test -t 2 && echo terminals
stty size <&1
echo "key $TOKEN"
while :; do read line; done
'''
pid, fd = pty.fork()
if pid == 0:
    size(0, 31, 97)
    os.execv(sys.argv[1], [sys.argv[1], "exec", "--", "sh", "-c", shell])
seen = b""
def until(word):
    global seen
    while word not in seen:
        try:
            seen += os.read(fd, 4096)
        except OSError as error:
            raise AssertionError(f"{word} is missing in {seen}") from error
signal.alarm(60)
until(b"\r\nkey ghp_****Q7r8\r\n")
assert seen.startswith(b"terminals\r\n31 97\r\n"), seen
size(fd, 40, 120)
until(b"40 120\r\n")
os.write(fd, b"\x03")
until(b"interrupted\r\n")
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
assert seen.count(b"interrupted") == 1, seen
"#;
    let mut command = Command::new("python3");
    command.args(["-c", script, env!("CARGO_BIN_EXE_sekisho")]).env("TOKEN", token());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
