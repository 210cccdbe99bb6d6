/**
 * The text of RESTORE.md, written once into every store: how to get everything back with stock git and a POSIX shell
 * alone; of an encrypted store, with Node besides. A test follows it literally, running its blocks marked `sh` in order.
 */
export function restoreGuide({ isEncrypted = false }: { isEncrypted?: boolean } = {}): string {
  const whole = isEncrypted
    ? text.replace(plainNeeds, encryptedNeeds).replace('\n## 2. ', `\n${decryptSection}\n## 2. `)
    : text;
  return whole.replaceAll('\\`', '`').replaceAll('$\\{', '${');
}

const plainNeeds = String.raw`You need nothing but **git** and a **shell**. Nothing here is encrypted, and nothing is in a private format: a snapshot is a git
commit`;

const encryptedNeeds = String.raw`You need **git**, a **shell**, **Node** and the **key** of this store: everything in it is encrypted, and the program
\`decrypt.mjs\` beside this file undoes that (section 1b). Below the encryption nothing is in a private format: a snapshot is a git
commit`;

const decryptSection = String.raw`## 1b. Decrypt them

\`decrypt.mjs\` needs nothing but Node (20 or newer for keys of 64 digits, the recovery key among them, and for passphrases stretched by
scrypt; 24.7 or newer for other passphrases). It asks for the passphrase or key, or takes it from \`HOLDFAST_PASSPHRASE\`,
\`HOLDFAST_KEY\` or \`--key-file FILE\`. It makes a plain copy of the store and changes nothing here:

\`\`\`sh
node "$STORE/decrypt.mjs" "$STORE" "$STORE.plain"
STORE=$STORE.plain
\`\`\`

What was changed or damaged is named and left out; everything else comes out whole. From here on all is as in a store without
encryption. Delete the plain copy when you are done.
`;

// Raw, so that the scripts stand here as they are printed; only a backtick and "${" need a backslash before them.
const text = String.raw`# How to get everything back without holdfast

This folder (or bucket prefix) is a store made by holdfast, a tool that takes snapshots of a folder of files (a "vault").
You need nothing but **git** and a **shell**. Nothing here is encrypted, and nothing is in a private format: a snapshot is a git
commit whose tree is the vault as it was, byte for byte, and the objects lie in standard git packs.

- \`snapshots/<id>/snapshot.json\` describes one snapshot: when, of what, and which git commit it is.
- \`snapshots/<id>/pack-*\` are the objects that this snapshot was the first to need. **A snapshot needs the packs of the
  others too**, so always copy all of them.
- \`packs/pack-*\` (if there) are packs of the same kind that belong to no one snapshot.

An id begins with the moment of the snapshot in UTC: \`2026-04-16T12:00:00Z-before-the-rewrite\`. In a store on a disk the
colons of ids are written as \`-\`: \`2026-04-16T12-00-00Z-before-the-rewrite\`.

## 1. Get the files

If the store is in a bucket, copy it to a disk first, with any client:

\`\`\`console
aws s3 cp --recursive s3://BUCKET/PREFIX/ /tmp/store
rclone copy REMOTE:BUCKET/PREFIX /tmp/store
\`\`\`

Then say where it is (a full path). All blocks below go into one shell, in this order.

\`\`\`sh
STORE=/tmp/store
\`\`\`

## 2. Choose a snapshot

This prints the id and label of each, oldest first:

\`\`\`sh
for r in "$STORE"/snapshots/*/snapshot.json; do
  sed -n -e 's/^  "id": "\(.*\)",$/\1/p' -e 's/^  "label": "\(.*\)",$/    \1/p' "$r"
done
\`\`\`

Name the record of the one you want (this takes the newest):

\`\`\`sh
for RECORD in "$STORE"/snapshots/*/snapshot.json; do :; done
\`\`\`

## 3. Make a git repository of it

\`\`\`sh
export LC_ALL=C
git init -q recovered && cd recovered
for d in "$STORE"/snapshots "$STORE"/packs; do
  [ ! -d "$d" ] || find "$d" -name 'pack-*' -exec cp -f {} .git/objects/pack/ \;
done
printf '* -text -eol -filter -ident -working-tree-encoding\n' > .git/info/attributes
field() { sed -n 's/^  "'"$1"'": "\([0-9a-f]*\)",\{0,1\}$/\1/p' "$RECORD"; }
COMMIT=$(field commit) META=$(field metadata)
\`\`\`

The line in \`.git/info/attributes\` keeps git from changing line ends or running filters. If the vault was a shallow clone,
git has to know where its history was cut off:

\`\`\`sh
sed -n '/^    "shallow": \[$/,/^    \]/s/^ *"\([0-9a-f]\{40\}\)".*/\1/p' "$RECORD" > .git/shallow
[ -s .git/shallow ] || rm .git/shallow
\`\`\`

Check every object, then take the files out:

\`\`\`sh
git fsck --full --no-dangling "$COMMIT"
git checkout -q "$COMMIT" -- .
\`\`\`

To look around before (or instead): \`git ls-tree -r "$COMMIT"\`, \`git show "$COMMIT:path/of/file"\`, and
\`git log "$COMMIT^"\` for the history of your own that the snapshot stands on.

A complaint of \`fsck\` about the form of an old commit of your own does no harm. "missing" or "corrupt" means that a pack was
not copied or is damaged: fetch it again; buckets with versioning on still have earlier versions.

## 4. Join large files

Files above a limit (8 MiB at first) are kept as a folder \`NAME.holdfast-chunks\` of pieces named \`00000000\`, \`00000001\`, ...
By hand: \`cat film.mkv.holdfast-chunks/0* > film.mkv\`. For all of them, executable bits and odd names included:

\`\`\`sh
find . -depth ! -path './.git/*' -type d -name '*.holdfast-chunks' -exec sh -c '
  for p do
    parent=$\{p%/*} name=$\{p##*/} name=$\{name%.holdfast-chunks}
    # A name too long to carry the mark is cut; then the whole name is in a file beside the pieces.
    if [ -f "$p/name" ]; then name=$(cat "$p/name"; echo .); name=$\{name%.}; fi
    case $name in "" | . | .. | .git | */*) echo "not joined: $p" >&2; continue ;; esac
    if [ -e "$parent/$name" ] || [ -L "$parent/$name" ]; then echo "not joined: $p" >&2; continue; fi
    (cd "$p" && ls | grep "^[0-9]*\$" | sort | xargs cat) > "$parent/$name" || exit 1
    [ ! -x "$p/00000000" ] || chmod +x "$parent/$name"
    rm -r "$p"
  done' sh {} +
\`\`\`

A file or folder of yours whose own name ends like that carries one \`~\` more in git. This takes it away, fewest first:

\`\`\`sh
MARKED='*.holdfast-chunks~'
while [ -n "$(find . ! -path './.git/*' -name "$MARKED*")" ]; do
  find . -depth ! -path './.git/*' -name "$MARKED" -exec sh -c '
    for p do [ -e "$\{p%?}" ] || [ -L "$\{p%?}" ] || mv "$p" "$\{p%?}"; done' sh {} +
  MARKED="$MARKED~"
done
\`\`\`

Now every file, link and executable bit is as it was.

## 5. Times, full modes and empty folders

Git keeps none of these, so they are in a second tree of the same repository (\`metadata\` in the record). This puts them
back; it leaves out set-user-id and set-group-id bits of files. It takes a while for very many files.

\`\`\`sh
cat > .git/put-back.sh <<'END'
# put-back.sh FOLDER NODE: the folder in the working tree, its node in the tree of commit $META
case $(git cat-file -t "$META:$\{2%/}") in
tree) git cat-file blob "$META:$2folder" ;;
blob) git cat-file blob "$META:$\{2%/}" ;;
esac |
awk '{ # seconds since 1970 become a date
  split($2, t, "."); s = t[1]; u = t[2]
  if (s ~ /^-/ && u > 0) { s -= 1; u = 1000000 - u }
  s += 0; day = int(s / 86400); if (day * 86400 > s) day--
  left = s - day * 86400; z = day + 719468; era = int(z / 146097); if (era * 146097 > z) era--
  e = z - era * 146097; y = int((e - int(e / 1460) + int(e / 36524) - int(e / 146096)) / 365)
  d = e - (365 * y + int(y / 4) - int(y / 100)); m = int((5 * d + 2) / 153)
  d = d - int((153 * m + 2) / 5) + 1; m = m < 10 ? m + 3 : m - 9; y = y + era * 400 + (m <= 2)
  date = sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", y, m, d, left / 3600, left % 3600 / 60, left % 60, u)
  print $1 " " date substr($0, length($1 " " $2) + 1)
}' |
while IFS= read -r line; do
  mode=$\{line%% *} rest=$\{line#* }; time=$\{rest%% *} rest=$\{rest#* }; kind=$\{rest%% *} name=$\{rest#* }
  name=$(printf '%b.' "$name"); name=$\{name%.}
  case $name in "" | . | .. | .git | */*) continue ;; esac
  p=$1/$name
  case $kind in
  d)
    [ ! -L "$p" ] && mkdir -p "$p" || continue
    sh .git/put-back.sh "$p" "$2=$name/" < /dev/null
    chmod "$mode" "$p" && touch -d "$time" "$p" ;;
  l) touch -h -d "$time" "$p" ;;
  *) [ ! -L "$p" ] && [ -f "$p" ] && touch -d "$time" "$p" && chmod "0$\{mode#?}" "$p" ;;
  esac
done
END
export META
sh .git/put-back.sh . ''
\`\`\`

## 6. Your own branches

If the vault was a git repository, its branches, tags, stash and HEAD are in the record, and their history is in the packs
(all of it, where the record says \`"historyComplete": true\`). This puts them back and leaves the files alone:

\`\`\`sh
sed -n 's/^      { "id": "\([0-9a-f]\{40\}\)", "name": "\(refs\/.*\)" },\{0,1\}$/\1 \2/p' "$RECORD" | sed 's/\\"/"/g' |
while read -r id name; do git update-ref --create-reflog "$name" "$id"; done
sed -n 's/^      { "id": "\([0-9a-f]\{40\}\)", "name": { "b64": "\(.*\)" } },\{0,1\}$/\1 \2/p' "$RECORD" |
while read -r id name; do git update-ref --create-reflog "$(printf %s "$name" | base64 -d)" "$id"; done
HEAD=$(sed -n 's/^    "head": "\([0-9a-f]*\)",$/\1/p' "$RECORD")
BRANCH=$(sed -n 's/^    "branch": "\(.*\)",$/\1/p' "$RECORD" | sed 's/\\"/"/g')
if [ -n "$BRANCH" ]; then git symbolic-ref HEAD "$BRANCH"
elif [ -n "$HEAD" ]; then git update-ref --no-deref HEAD "$HEAD"; fi
if git rev-parse -q --verify HEAD > /dev/null; then git reset -q; else git rm -r -q --cached .; fi
\`\`\`

\`extraRoots\` in the record lists commits that only the reflog or older stashes knew; give one a name with
\`git branch rescued ID\`.

## What may differ

- A disk that ignores case, or that does not take some characters, cannot hold two names that differ in case only, or names
  with those characters. Restore on a Linux disk in that case.
- \`problems\` and \`ledger\` in the record list what the snapshot does not hold, and why.
- Everything about this format: FORMAT.md in holdfast's source.
`;
