//! Where secrets stand: the same value under the same name, as different writers of logs and files put it down.

use crate::escape::{csv, json, line, logfmt, percent, shell, xml};
use crate::rng::Rng;

/// A value with the words of its name, such as `binance api secret`.
pub(crate) struct Named<'a> {
    pub(crate) words: &'a str,
    /// The header that carries it; without one it is made from the words.
    pub(crate) header: Option<&'a str>,
    pub(crate) value: &'a str,
}

impl Named<'_> {
    fn joined(&self, by: &str) -> String {
        self.words.replace(' ', by)
    }

    fn snake(&self) -> String {
        self.joined("_")
    }

    fn kebab(&self) -> String {
        self.joined("-")
    }

    fn upper(&self) -> String {
        self.snake().to_uppercase()
    }

    fn pascal(&self) -> String {
        self.words.split(' ').map(capital).collect()
    }

    fn camel(&self) -> String {
        let (first, rest) = self.words.split_once(' ').unwrap_or((self.words, ""));
        format!("{first}{}", rest.split(' ').map(capital).collect::<String>())
    }

    fn header(&self) -> String {
        let made = || format!("X-{}", self.words.split(' ').map(capital).collect::<Vec<_>>().join("-"));
        self.header.map_or_else(made, str::to_owned)
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
}

/// A place, and the writer of it.
pub(crate) type Place = (&'static str, fn(&Named<'_>, &mut Rng) -> String);

/// Where a value stands under its name.
pub(crate) const NAMED: [Place; 17] = [
    ("json", |named, rng| {
        let name = if rng.one_in(2) { named.camel() } else { named.snake() };
        format!(
            r#"{{"ts":"{}","level":"debug","{name}":"{}","attempt":{}}}"#,
            rng.time(),
            json(named.value),
            rng.below(9)
        )
    }),
    ("nested json", |named, rng| {
        let (name, venue) = (if rng.one_in(2) { named.camel() } else { named.snake() }, rng.word());
        format!(
            "{{\n  \"{venue}\": {{\n    \"options\": {{\n      \"{name}\": \"{}\",\n      \"timeout\": 30\n    }}\n  }}\n}}",
            json(named.value)
        )
    }),
    ("json in json", |named, rng| {
        let name = if rng.one_in(2) { named.camel() } else { named.snake() };
        let inner = format!(r#"{{"{name}": "{}", "retry": {}}}"#, json(named.value), rng.below(5));
        format!(r#"{{"log":"{}\n","stream":"stderr","time":"{}"}}"#, json(&inner), rng.time())
    }),
    ("logfmt", |named, rng| {
        let name = if rng.one_in(2) { named.snake() } else { named.camel() };
        format!("time={} level=info msg=\"client ready\" {name}={} took=12ms", rng.time(), logfmt(named.value))
    }),
    ("header", |named, rng| {
        let name = if rng.one_in(2) { named.header() } else { named.header().to_lowercase() };
        let mark = rng.pick(&["> ", "< ", "", "    "]);
        let (address, value) = (rng.address(), line(named.value));
        format!("{mark}GET /v1/account HTTP/1.1\n{mark}Host: {address}\n{mark}{name}: {value}\n{mark}Accept: */*")
    }),
    ("headers as a map", |named, rng| {
        let value = line(named.value);
        match rng.below(3) {
            0 => format!(
                "fetch GET https://api.example.com/v1 {{'{}': '{value}', 'Content-Type': 'application/json'}} None",
                named.header()
            ),
            1 => format!("headers=map[Accept:[*/*] {}:[{value}] User-Agent:[Go-http-client/1.1]]", named.header()),
            _ => format!(
                "RequestHeaders: {{\"{}\": \"{}\", \"accept\": \"*/*\"}}",
                named.header().to_lowercase(),
                json(&value)
            ),
        }
    }),
    ("query", |named, rng| {
        let name = if rng.one_in(2) { named.snake() } else { named.camel() };
        let (address, time, limit) = (rng.address(), rng.time(), rng.below(500));
        format!(
            "{address} - - [{time}] \"GET /v1/klines?limit={limit}&{name}={}&x=1 HTTP/1.1\" 200 512",
            percent(named.value)
        )
    }),
    ("form", |named, rng| {
        let name = if rng.one_in(2) { named.snake() } else { named.camel() };
        format!("grant_type=client&{name}={}&scope=read", percent(named.value).replace("%20", "+"))
    }),
    ("yaml", |named, rng| {
        let name = if rng.one_in(2) { named.snake() } else { named.kebab() };
        let value = match rng.below(3) {
            0 if !named.value.contains(['\n', '#', ':', '\'', '"', '%', '@', '&', '*', '{']) => named.value.to_owned(),
            1 if !named.value.contains(['\'', '\n']) => format!("'{}'", named.value),
            _ => format!("\"{}\"", json(named.value)),
        };
        format!("{}:\n  enabled: true\n  {name}: {value}\n  timeout: 5s", rng.word())
    }),
    ("env", |named, rng| {
        let value = if named.value.contains('\n') { format!("\"{}\"", json(named.value)) } else { shell(named.value) };
        let before = rng.pick(&["", "export ", "ENV ", "      - ", "Environment="]);
        format!("{before}{}={value}", named.upper())
    }),
    ("prose", |named, rng| {
        let (words, value, who) = (named.words, named.value, rng.word());
        match rng.below(6) {
            0 => format!("The {words} is {value} and it goes into the vault."),
            1 => format!("hi {who}, please use this {words}: {value} until friday, thanks"),
            2 => format!("{} WARN [main] login failed, {words} {value} was rejected by the server", rng.time()),
            3 => format!("Set {words} to `{value}` before you start {who}."),
            4 => format!("{} INFO  c.e.{who}.Client - connecting with {words} = {value}", rng.time()),
            _ => format!("- rotated the {words} ({value}), see ticket OPS-{}", rng.below(9999)),
        }
    }),
    ("csv", |named, rng| {
        let (id, email, word) = (rng.below(9999), rng.word(), rng.word());
        format!("id,owner,{},region\n{id},{email}@example.com,{},eu-{word}", named.snake(), csv(named.value))
    }),
    ("xml", |named, rng| {
        let value = xml(named.value);
        match rng.below(3) {
            0 => format!("<client><{0}>{value}</{0}><timeout>30</timeout></client>", named.camel()),
            1 => format!("  <add key=\"{}\" value=\"{value}\" />", named.pascal()),
            _ => format!("  <property name=\"{}\" value=\"{value}\"/>", named.joined(".")),
        }
    }),
    ("source", |named, rng| {
        let value = json(named.value);
        match rng.below(6) {
            0 => format!("{} = \"{value}\"  # from the console", named.upper()),
            1 => format!("client = Client({}='{}', timeout=5)", named.snake(), json(named.value).replace('\'', "\\'")),
            2 => format!("\t{} := \"{value}\"", named.camel()),
            3 => format!("\tcfg := Config{{{}: \"{value}\", Region: \"eu\"}}", named.pascal()),
            4 => format!("const {} = \"{value}\";", named.camel()),
            _ => format!("  private static final String {} = \"{value}\";", named.upper()),
        }
    }),
    ("properties", |named, rng| {
        let value = json(named.value);
        match rng.below(3) {
            0 => format!("# {}\n{}={value}", rng.word(), named.joined(".")),
            1 => format!("[{}]\n{} = {}", rng.word(), named.snake(), json(named.value)),
            _ => format!("[{}]\n{} = \"{value}\"", rng.word(), named.snake()),
        }
    }),
    ("shell", |named, rng| {
        let (tool, value) = (rng.pick(&["deployctl", "tradebot", "./run.sh", "docker run img"]), shell(named.value));
        match rng.below(3) {
            0 => format!("{:5}  {tool} --{} {value} --verbose", rng.below(999), named.kebab()),
            1 => format!("$ {tool} --{}={value} start", named.kebab()),
            _ => format!("{}={value} {tool} start", named.upper()),
        }
    }),
    ("debug print", |named, rng| {
        let value = json(named.value);
        match rng.below(4) {
            0 => format!("Config {{ {}: \"{value}\", retries: 3 }}", named.snake()),
            1 => format!("Config({}={}, retries=3)", named.camel(), line(named.value)),
            2 => format!("{{'{}': '{value}', 'retries': 3}}", named.snake()),
            _ => format!("&{{{}:{} Retries:3}}", named.pascal(), line(named.value)),
        }
    }),
];

/// Where a value stands without a name of its own, which only those that tell themselves can be found in.
pub(crate) const BARE: [Place; 5] = [
    ("bare prose", |named, rng| {
        let value = named.value;
        match rng.below(3) {
            0 => format!("{} ERROR unexpected response for {value} (status 401)", rng.time()),
            1 => format!("someone pasted {value} into the channel"),
            _ => format!("see {value}, {}", rng.word()),
        }
    }),
    ("bare json", |named, rng| {
        format!(r#"{{"kind":"{}","data":"{}","list":["{}"]}}"#, rng.word(), json(named.value), rng.word())
    }),
    ("bare query", |named, rng| format!("GET /{}?v={}&n=1", rng.word(), percent(named.value))),
    ("bare csv", |named, rng| format!("{},{},{}", rng.below(999), csv(named.value), rng.word())),
    ("bare lines", |named, rng| format!("{}\n{}\n{}", rng.word(), named.value, rng.word())),
];
