#!/usr/bin/env bash
# Installs a build into an empty place, builds the consumer against it by find_package and by pkg-config,
# and runs it; builds the example of a transport plugin against it, and checks and uses that; then looks at
# what libtutti exports.
set -euo pipefail
build=$1
here=$(dirname "$(readlink -f "$0")")
consumer=$here/consumer
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cmake --install "$build" --prefix "$place/first" >"$place/log" || { cat "$place/log"; exit 1; }
mv "$place/first" "$place/tutti"  # nothing may remember where it was installed

echo "by find_package"
cmake -S "$consumer" -B "$place/build" -DCMAKE_PREFIX_PATH="$place/tutti" >/dev/null
cmake --build "$place/build" >/dev/null
"$place/build/consumer_c"
"$place/build/consumer_cpp"

echo "by pkg-config"
pc=$(find "$place/tutti" -name tutti.pc)
libdir=$(dirname "$(dirname "$pc")")
read -ra flags < <(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags --libs tutti)
cc -std=c11 -Wall -Wextra -Wpedantic -Werror "$consumer/consumer.c" "${flags[@]}" -o "$place/c"
c++ -std=c++20 -Wall -Wextra -Wpedantic -Werror "$consumer/consumer.cpp" "${flags[@]}" -o "$place/cpp"
LD_LIBRARY_PATH=$libdir "$place/c"
LD_LIBRARY_PATH=$libdir "$place/cpp"

echo "a plugin out of tree"
cp -r "$here/../../examples/08_transport_plugin" "$place/plugin"
cmake -S "$place/plugin" -B "$place/plugin/build" -DCMAKE_PREFIX_PATH="$place/tutti" >/dev/null
cmake --build "$place/plugin/build" >/dev/null
plugin=$place/plugin/build/libunix_plugin.so
"$place/tutti/bin/tutti-plugin-check" "$plugin" --only sizes --only all_reduce
if [[ -x $place/tutti/bin/tutti-perf ]]; then
  TUTTI_TRANSPORT=plugin TUTTI_TRANSPORT_PLUGIN=$plugin TUTTI_SOCKET_IFNAME=lo \
    "$place/tutti/bin/tutti-run" -n 2 "$place/tutti/bin/tutti-perf" all_reduce -b 8 -e 8 -n 5 >/dev/null
fi

echo "every tool runs"
for tool in "$place"/tutti/bin/*; do
  [[ ! -e $tool ]] || "$tool" --help >/dev/null
done

echo "exports nothing but the C API"
stray=$(nm -D --defined-only "$libdir/libtutti.so" | awk '$3 !~ /^(tutti[A-Z]|TUTTI_0)/ {print $3}')
[[ -z $stray ]] || { echo "also exported: $stray"; exit 1; }
