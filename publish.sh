#!/usr/bin/env bash
# Publishes the version that src/bookings/__init__.py names to PyPI.
#
#   ./publish.sh --dry-run    everything but the upload
#   ./publish.sh
#
# Refuses a dirty tree, a HEAD that is not tagged v<version>, a wheel that lacks migrations,
# templates, locale or py.typed, and failing tests. Uploads with the credentials in ~/.pypirc, or
# with PYPI_USERNAME and PYPI_PASSWORD (for an API token: __token__, and the token).
set -euo pipefail

say() { printf '==> %s\n' "$*"; }
refuse() {
  printf 'publish.sh: refused: %s\n' "$*" >&2
  exit 1
}

case "$*" in
  '') dry_run=false ;;
  --dry-run) dry_run=true ;;
  *)
    printf 'usage: %s [--dry-run]\n' "$0" >&2
    exit 2
    ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/bookings/__init__.py)
[ -n "$version" ] || refuse 'src/bookings/__init__.py has no line __version__ = "...".'
say "django-bookings $version"

changes=$(git status --porcelain)
[ -z "$changes" ] || refuse "the tree is dirty; commit or stash first:
$changes"

tag=v$version
tagged=$(git rev-parse --verify --quiet "refs/tags/$tag^{commit}") ||
  refuse "there is no tag $tag. If $version is what you mean to publish: git tag $tag"
[ "$tagged" = "$(git rev-parse HEAD)" ] ||
  refuse "HEAD is not $tag, so it is not what the version says. Check out $tag, or raise the version."

if ! $dry_run && [ -z "${PYPI_PASSWORD-}" ] && [ ! -f "$HOME/.pypirc" ]; then
  refuse "no credentials: write ~/.pypirc, or set PYPI_USERNAME and PYPI_PASSWORD."
fi

say "tools"
python3 -m venv "$work/venv"
bin=$work/venv/bin
"$bin/pip" install --quiet --disable-pip-version-check build tox twine

say "build"
# From what is committed, not from this folder: a file that git ignores must not slip in.
git clone --quiet --no-local . "$work/source"
git -C "$work/source" checkout --quiet "$tag"
"$bin/python" -m build --outdir "$work/dist" "$work/source" >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  refuse "it does not build; why is above."
}
wheel=$work/dist/django_bookings-$version-py3-none-any.whl
sdist=$work/dist/django_bookings-$version.tar.gz
"$bin/twine" check --strict "$wheel" "$sdist"
"$bin/python" "$work/source/tests/packaging/contents.py" "$wheel" ||
  refuse "the wheel is not whole."

say "tests"
(cd "$work/source" && TOX_WORK_DIR=$work/tox "$bin/tox" run-parallel -p 3) || refuse "the tests fail."

if $dry_run; then
  say "dry run: $(basename "$wheel") and $(basename "$sdist") are fit to publish, and are not uploaded"
  exit 0
fi

say "upload"
if [ -n "${PYPI_PASSWORD-}" ]; then
  export TWINE_USERNAME=${PYPI_USERNAME:-__token__} TWINE_PASSWORD=$PYPI_PASSWORD
fi
"$bin/twine" upload --non-interactive "$wheel" "$sdist"
say "published django-bookings $version"
