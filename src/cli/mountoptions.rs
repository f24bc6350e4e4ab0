//! The words after `-o`, as mount(8) hands them to `mount.ntmsfs`.
//!
//! Invariants: every word is either obeyed, known to be harmless, or refused by name; [`parse`] ignores nothing
//! else, unless it is told to be sloppy. As with mount(8) there is no escape for a comma in a value. What [`Options`]
//! show is read back as the same.

use crate::domain::words::nearest;
use std::fmt;
use std::path::PathBuf;

/// What the words ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `ro` came last of `ro` and `rw`.
    pub read_only: bool,
    /// `gid=NUMBER`: the group that the tree belongs to, 0 to 4,294,967,294.
    pub gid: Option<u32>,
    /// `pool=PATH`: the pool that is mounted as the root, such as `Backup/Daily`.
    pub pool: Option<String>,
    /// `hooks=DIRECTORY`: programs that are told of requests to people.
    pub hooks: Option<PathBuf>,
    /// `config=FILE`: the configuration, instead of `/etc/ntmsfs.conf`.
    pub config: Option<PathBuf>,
    /// `runas=USER`: whom the daemon serves as, by name or number, instead of the owner of the catalog.
    pub runas: Option<String>,
    /// `remount`: change what is mounted already.
    pub remount: bool,
}

impl Options {
    /// Every value that a word can have, by its key.
    fn values(&self) -> [(&'static str, Option<String>); 5] {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        [
            ("gid", self.gid.map(|gid| gid.to_string())),
            ("pool", self.pool.clone()),
            ("hooks", path(&self.hooks)),
            ("config", path(&self.config)),
            ("runas", self.runas.clone()),
        ]
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.read_only { "ro" } else { "rw" })?;
        for (key, value) in self.values() {
            if let Some(value) = value {
                write!(f, ",{key}={value}")?;
            }
        }
        f.write_str(if self.remount { ",remount" } else { "" })
    }
}

/// Why the words were refused. Shown as one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A word that is not known, and the known word nearest to it, if one is near.
    Unknown {
        /// The word as given, with its value.
        word: String,
        /// A known word; with `=` at its end if it takes a value.
        nearest: Option<&'static str>,
    },
    /// A word that needs a value and has none, or an unusable one.
    Value {
        /// The word as given.
        word: String,
        /// What would be usable.
        wanted: &'static str,
    },
    /// A word whose value differs from that of the mount that is there.
    Fixed {
        /// The word as given.
        word: String,
    },
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown {
                word,
                nearest: None,
            } => write!(f, "unknown mount option {word:?}"),
            Self::Unknown {
                word,
                nearest: Some(nearest),
            } => write!(
                f,
                "unknown mount option {word:?}; did you mean {nearest:?}?"
            ),
            Self::Value { word, wanted } => write!(f, "mount option {word:?}: {wanted} is needed"),
            Self::Fixed { word } => write!(
                f,
                "a remount cannot change {word:?}: unmount the catalog and mount it again"
            ),
        }
    }
}

/// What a known word does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    ReadOnly,
    ReadWrite,
    Remount,
    Gid,
    Pool,
    Hooks,
    Config,
    RunAs,
    /// Says how mount(8), systemd or fstab treat the line; or what is forced here; or what makes no difference.
    Nothing,
}

use Meaning::{Config, Gid, Hooks, Nothing, Pool, ReadOnly, ReadWrite, Remount, RunAs};

/// Every known word. A name with `=` takes a value; the others take none.
const WORDS: &[(&str, Meaning)] = &[
    ("ro", ReadOnly),
    ("rw", ReadWrite),
    ("gid=", Gid),
    ("pool=", Pool),
    ("hooks=", Hooks),
    ("config=", Config),
    ("runas=", RunAs),
    ("remount", Remount),
    // for mount(8), fstab(5) and systemd
    ("defaults", Nothing),
    ("auto", Nothing),
    ("noauto", Nothing),
    ("user", Nothing),
    ("nouser", Nothing),
    ("users", Nothing),
    ("nousers", Nothing),
    ("group", Nothing),
    ("nogroup", Nothing),
    ("owner", Nothing),
    ("noowner", Nothing),
    ("_netdev", Nothing),
    ("nofail", Nothing),
    ("comment=", Nothing),
    // what a mount shows in /proc/mounts, and mount(8) gives back when it remounts
    ("user_id=", Nothing),
    ("group_id=", Nothing),
    // forced, whatever is said
    ("suid", Nothing),
    ("nosuid", Nothing),
    ("dev", Nothing),
    ("nodev", Nothing),
    ("exec", Nothing),
    ("noexec", Nothing),
    ("allow_other", Nothing),
    ("default_permissions", Nothing),
    // times of access are not kept, and every change is synchronous
    ("atime", Nothing),
    ("noatime", Nothing),
    ("diratime", Nothing),
    ("nodiratime", Nothing),
    ("relatime", Nothing),
    ("norelatime", Nothing),
    ("strictatime", Nothing),
    ("nostrictatime", Nothing),
    ("lazytime", Nothing),
    ("nolazytime", Nothing),
    ("sync", Nothing),
    ("async", Nothing),
    ("dirsync", Nothing),
    ("silent", Nothing),
    ("loud", Nothing),
];

/// Returns every known word, in the order of the manual; one that takes a value ends with `=`. Words that begin with
/// `x-` or `X-` are known too.
pub fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, _)| *word)
}

/// Reads the lists of words, one list per `-o`; empty words are skipped, the last word of a kind counts. `sloppy`
/// (mount's `-s`) also skips unknown words.
pub fn parse<'a>(
    lists: impl IntoIterator<Item = &'a str>,
    sloppy: bool,
) -> Result<Options, Refused> {
    let mut options = Options::default();
    let given = lists.into_iter().flat_map(|list| list.split(','));
    for word in given.filter(|word| !word.is_empty()) {
        match meaning(word) {
            Some((ReadOnly, _)) => options.read_only = true,
            Some((ReadWrite, _)) => options.read_only = false,
            Some((Gid, value)) => options.gid = Some(gid(word, value)?),
            Some((Pool, value)) => options.pool = Some(pool(word, value)?),
            Some((Hooks, value)) => {
                options.hooks = Some(path(word, value, "hooks= and a directory of programs")?);
            }
            Some((Config, value)) => {
                options.config = Some(path(word, value, "config= and a file")?);
            }
            Some((RunAs, value)) => options.runas = Some(user(word, value)?),
            Some((Remount, _)) => options.remount = true,
            Some((Nothing, _)) => {}
            None if sloppy => {}
            None => {
                return Err(Refused::Unknown {
                    word: word.to_owned(),
                    nearest: nearest(word, words()),
                });
            }
        }
    }
    Ok(options)
}

/// Refuses a remount that would change anything but `ro` and `rw` of what is mounted.
pub fn demand_same(now: &Options, wanted: &Options) -> Result<(), Refused> {
    let mut now = now.clone();
    now.gid.get_or_insert(0);
    for ((key, now), (_, wanted)) in now.values().into_iter().zip(wanted.values()) {
        if let Some(value) = wanted.filter(|value| now.as_ref() != Some(value)) {
            let word = format!("{key}={value}");
            return Err(Refused::Fixed { word });
        }
    }
    Ok(())
}

/// What a word means, and its value if it takes one. `gid` without `=` is found too, so that the refusal is about
/// the value; but `ro=1` is not `ro`.
fn meaning(word: &str) -> Option<(Meaning, Option<&str>)> {
    if word.starts_with("x-") || word.starts_with("X-") {
        return Some((Nothing, None));
    }
    let (key, value) = match word.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (word, None),
    };
    let exact = WORDS.iter().find(|(name, _)| *name == word);
    let takes_value = |name: &str| name.strip_suffix('=') == Some(key);
    let found = exact.or_else(|| WORDS.iter().find(|(name, _)| takes_value(name)))?;
    Some((found.1, value))
}

fn gid(word: &str, value: Option<&str>) -> Result<u32, Refused> {
    // the largest number means "no group" to the kernel
    value
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|gid| *gid != u32::MAX)
        .ok_or_else(|| Refused::Value {
            word: word.to_owned(),
            wanted: "gid= and the number of a group",
        })
}

fn pool(word: &str, value: Option<&str>) -> Result<String, Refused> {
    let path = value.filter(|path| path.split('/').all(|name| !name.is_empty()));
    path.map(str::to_owned).ok_or_else(|| Refused::Value {
        word: word.to_owned(),
        wanted: "the path of a pool, such as Backup/Daily,",
    })
}

/// A name as useradd(8) makes it, or a number.
fn user(word: &str, value: Option<&str>) -> Result<String, Refused> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-$@\\".contains(&byte);
    let value = value.filter(|text| !text.is_empty() && text.bytes().all(letter));
    let number = value.and_then(|text| text.parse::<u32>().ok());
    let value = value.filter(|_| number != Some(u32::MAX));
    value.map(str::to_owned).ok_or_else(|| Refused::Value {
        word: word.to_owned(),
        wanted: "runas= and the name or number of a user",
    })
}

fn path(word: &str, value: Option<&str>, wanted: &'static str) -> Result<PathBuf, Refused> {
    let value = value.filter(|text| !text.is_empty());
    value.map(PathBuf::from).ok_or_else(|| Refused::Value {
        word: word.to_owned(),
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(read_only: bool, gid: Option<u32>) -> Options {
        Options {
            read_only,
            gid,
            ..Options::default()
        }
    }

    #[test]
    fn words_are_obeyed_or_harmless() {
        let table = [
            ("", options(false, None)),
            ("ro", options(true, None)),
            ("ro,rw", options(false, None)),
            (",rw,,ro,", options(true, None)),
            ("gid=0", options(false, Some(0))),
            (
                "gid=5,ro,gid=04294967294",
                options(true, Some(4_294_967_294)),
            ),
            // what mount(8) was seen to pass
            ("ro,noatime,_netdev,nofail", options(true, None)),
            ("rw,nodev,allow_other,suid", options(false, None)),
            ("rw,noexec,nosuid,nodev,user,nofail", options(false, None)),
            (
                "defaults,noauto,x-systemd.automount,X-mount.mkdir=0755",
                options(false, None),
            ),
            (
                "comment=any text; even = signs,relatime",
                options(false, None),
            ),
        ];
        for (words, wanted) in table {
            assert_eq!(parse([words], false), Ok(wanted.clone()), "{words:?}");
            assert_eq!(parse([words], true), Ok(wanted), "{words:?}");
        }
        assert_eq!(
            parse(["ro", "gid=7", "rw"], false),
            Ok(options(false, Some(7)))
        );
        assert_eq!(parse([], false), Ok(options(false, None)));
        let pool = Some("Backup/Daily".to_owned());
        let wanted = Options {
            pool,
            ..Options::default()
        };
        assert_eq!(parse(["pool=X,pool=Backup/Daily"], false), Ok(wanted));
        let hooks = parse(["ro,hooks=a b/c=d"], false).unwrap().hooks;
        assert_eq!(hooks, Some(PathBuf::from("a b/c=d")));
    }

    #[test]
    fn unknown_words_are_refused_with_the_nearest() {
        let table = [
            ("zzz=bar", None),
            ("completely", None),
            ("r", Some("ro")),
            ("RO", None),
            ("relatmie", Some("relatime")),
            ("noauot", Some("noauto")),
            ("netdev", Some("_netdev")),
            ("gdi=5", Some("gid=")),
            ("guid=5", Some("gid=")),
            ("no-exec", Some("noexec")),
            ("ro=1", Some("ro")),
            ("coment=x", Some("comment=")),
            ("=", None),
            ("é", None),
            ("uid=0", Some("gid=")),
        ];
        for (word, nearest) in table {
            let wanted = Refused::Unknown {
                word: word.to_owned(),
                nearest,
            };
            let words = format!("rw,{word},nofail");
            assert_eq!(parse([words.as_str()], false), Err(wanted), "{word:?}");
            assert_eq!(
                parse([words.as_str()], true),
                Ok(options(false, None)),
                "{word:?}"
            );
        }
    }

    #[test]
    fn values_are_refused_even_if_sloppy() {
        for word in [
            "gid",
            "gid=",
            "gid=-1",
            "gid=+1",
            "gid=tape",
            "gid=4294967295",
            "gid=99999999999",
            "pool",
            "pool=",
            "pool=/X",
            "pool=X/",
            "pool=X//Y",
            "hooks",
            "hooks=",
            "runas",
            "runas=",
            "runas=4294967295",
            "runas=a b",
        ] {
            for sloppy in [false, true] {
                let refused = parse([word], sloppy).unwrap_err();
                assert!(
                    matches!(refused, Refused::Value { .. }),
                    "{word:?}: {refused:?}"
                );
            }
        }
    }

    #[test]
    fn refusals_are_sentences() {
        let text = |words: &str| parse([words], false).unwrap_err().to_string();
        assert_eq!(
            text("noauot"),
            r#"unknown mount option "noauot"; did you mean "noauto"?"#
        );
        assert_eq!(text("a\nb=c"), r#"unknown mount option "a\nb=c""#);
        assert_eq!(
            text("gid="),
            r#"mount option "gid=": gid= and the number of a group is needed"#
        );
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for words in [
            "rw",
            "ro,gid=7",
            "rw,gid=0,pool=Backup/Daily,hooks=/etc/a b,runas=ntmsfs,remount",
        ] {
            let options = parse([words], false).unwrap();
            assert_eq!(options.to_string(), words);
            assert_eq!(parse([options.to_string().as_str()], false), Ok(options));
        }
    }

    #[test]
    fn a_remount_changes_nothing_but_ro_and_rw() {
        let now = parse(["ro,gid=7,pool=Backup"], false).unwrap();
        for (words, fixed) in [
            ("rw,remount", None),
            ("remount,gid=7,pool=Backup,relatime,user_id=0", None),
            ("remount,gid=8", Some("gid=8")),
            ("remount,pool=Archive", Some("pool=Archive")),
            ("remount,hooks=/etc/hooks", Some("hooks=/etc/hooks")),
            ("remount,config=/etc/other", Some("config=/etc/other")),
            ("remount,runas=ntmsfs", Some("runas=ntmsfs")),
        ] {
            let wanted = parse([words], false).unwrap();
            let refused = fixed.map(|word| Refused::Fixed {
                word: word.to_owned(),
            });
            assert_eq!(demand_same(&now, &wanted).err(), refused, "{words}");
        }
        let plain = Options::default();
        assert_eq!(
            demand_same(&plain, &parse(["remount,gid=0"], false).unwrap()),
            Ok(())
        );
    }

    #[test]
    fn the_table_has_each_word_once() {
        for (index, (name, _)) in WORDS.iter().enumerate() {
            assert!(!name.is_empty() && !name.contains([',', ' ']));
            assert!(
                WORDS.iter().skip(index + 1).all(|(other, _)| other != name),
                "{name}"
            );
        }
    }
}
