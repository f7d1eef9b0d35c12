#!/bin/sh
# Without Maven: makes dbperf-junit5.jar in this folder. CLASSPATH holds JUnit's and the driver's jars.
set -eu
cd "$(dirname "$0")"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
javac -d "$made" src/main/java/dbperf/junit/*.java
cp -r src/main/resources/. "$made"
jar --create --file dbperf-junit5.jar -C "$made" .
