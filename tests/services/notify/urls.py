"""URLs that must never be sent to, and URLs that may be: the corpus of WH2."""

MALFORMED = """
|
 |
https://|
https:///path|
https:hooks.example.com|
https:/hooks.example.com|
//hooks.example.com/|
hooks.example.com|
ftp://hooks.example.com/|
file:///etc/passwd|
gopher://hooks.example.com/_x|
javascript:alert(1)|
data:text/plain,x|
dict://hooks.example.com:11211/|
ldap://hooks.example.com/|
ws://hooks.example.com/|
unix:///var/run/docker.sock|
httpss://hooks.example.com/|
 https://hooks.example.com/|
https://hooks.example.com/ |
https://hooks.example.com/a b|
https://hooks.example.com/\t|
https://hooks.example.com/\r\nX: y|
https://hooks.example.com\\@10.0.0.1/|
https:\\\\hooks.example.com|
https://hooks.example.com/#fragment|
https://hooks.example.com#@10.0.0.1/|
https://user@hooks.example.com/|
https://user:pass@hooks.example.com/|
https://:@hooks.example.com/|
https://@hooks.example.com/|
https://hooks.example.com@10.0.0.1/|
https://10.0.0.1@hooks.example.com/|
https://hooks.example.com:/|
https://hooks.example.com:0/|
https://hooks.example.com:-1/|
https://hooks.example.com:99999/|
https://hooks.example.com:44 3/|
https://hooks.example.com:４４３/|
https://hooks.example.com:0x1bb/|
https://hooks.example.com:443:443/|
https://hooks..example.com/|
https://.example.com/|
https://hooks.example.com./|
https://-hooks.example.com/|
https://hooks-.example.com/|
https://hooks_1.example.com/|
https://hooks.exa%6dple.com/|
https://hooks.example.com%2f@10.0.0.1/|
https://hooks.example.com%00.evil.example/|
https://höoks.example.com/|
https://ⓗooks.example.com/|
https://１２７.0.0.1/|
https://127。0。0。1/|
https://[hooks.example.com]/|
https://[127.0.0.1]/|
https://[::1/|
https://::1/|
https://[fe80::1%25eth0]/|
https://[2606:4700::1]x/|
https://[v1.fe80::a]/|
https://a<b.example.com/|
https://{host}.example.com/|
https://*.example.com/|
"""

NUMBERS = """
https://2130706433/
https://3232235777/
https://017700000001/
https://0x7f000001/
https://0x7f.0.0.1/
https://0x7f.0x0.0x0.0x1/
https://0177.0.0.1/
https://0177.0.0.01/
https://127.1/
https://127.0.1/
https://10.1/
https://192.168.257/
https://0/
https://0x/
https://1.2.3.4.5/
https://256.1.1.1/
https://127.0.0.1./
https://example.0x7f/
https://example.1/
https://0x0a000001/
https://169.254.43518/
https://0xa9fea9fe/
https://2852039166/
https://0251.0376.0251.0376/
"""

INNER_ADDRESSES = """
https://0.0.0.0/
https://0.1.2.3/
https://10.0.0.1/
https://10.255.255.255/
https://100.64.0.1/
https://100.100.100.200/latest/meta-data/
https://100.127.255.255/
https://127.0.0.1/
https://127.0.0.1:443/
https://127.255.255.254/
https://168.63.129.16/
https://169.254.169.254/latest/meta-data/
https://169.254.170.2/v2/credentials
https://172.16.0.1/
https://172.31.255.255/
https://192.0.0.1/
https://192.0.0.170/
https://192.0.0.192/
https://192.0.2.1/
https://192.88.99.1/
https://192.168.0.1/
https://192.168.255.255/
https://198.18.0.1/
https://198.19.255.255/
https://198.51.100.1/
https://203.0.113.1/
https://224.0.0.1/
https://239.255.255.250/
https://240.0.0.1/
https://255.255.255.255/
https://[::]/
https://[::1]/
https://[0:0:0:0:0:0:0:1]/
https://[::127.0.0.1]/
https://[::ffff:127.0.0.1]/
https://[::ffff:7f00:1]/
https://[::ffff:10.0.0.1]/
https://[::ffff:8.8.8.8]/
https://[::ffff:0:127.0.0.1]/
https://[64:ff9b::127.0.0.1]/
https://[64:ff9b::7f00:1]/
https://[64:ff9b:1::a00:1]/
https://[100::1]/
https://[2001::1]/
https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/
https://[2001:2::1]/
https://[2001:10::1]/
https://[2001:20::1]/
https://[2001:db8::1]/
https://[2002:7f00:1::]/
https://[2002:a00:1::1]/
https://[3fff::1]/
https://[4000::1]/
https://[5f00::1]/
https://[fc00::1]/
https://[fd00:ec2::254]/
https://[fe80::1]/
https://[fec0::1]/
https://[ff02::1]/
"""

INNER_NAMES = """
https://localhost/
https://LOCALHOST/
https://localhost:8443/
https://api.localhost/
https://metadata/
https://metadata.google.internal/computeMetadata/v1/
https://metadata.goog/
https://metadata.azure.com/
https://metadata.tencentyun.com/
https://redis/
https://postgres:443/
https://db.local/
https://printer.lan/
https://router.home/
https://nas.home.arpa/
https://ledger.default.svc/
https://ledger.default.svc.cluster.local/
https://vault.corp/
https://wiki.intranet/
https://host.docker.internal/
https://host.localdomain/
"""

SCHEMES_AND_PORTS = """
http://hooks.example.com/
HTTP://hooks.example.com/
http://93.184.215.14/
https://hooks.example.com:22/
https://hooks.example.com:25/
https://hooks.example.com:8443/
https://hooks.example.com:6379/
https://hooks.example.com:65535/
"""

ALLOWED = """
https://hooks.example.com
https://hooks.example.com/
https://HOOKS.example.com/in
https://hooks.example.com:443/a?b=c&d=%20
https://hooks.example.com:80/
https://xn--hks-tna.example.com/
https://93.184.215.14/in
https://[2606:4700:4700::1111]/in
https://[2606:4700:4700::1111]:443/in
https://a-b.c-d.example/~x/;y=(1)/$@!
https://1and1.example/
https://0x7f.example/
https://127.0.0.1.nip.example/
"""


def lines(text: str) -> list[str]:
    return [line for line in text.strip("\n").split("\n") if line]


MALFORMED_URLS = [line.removesuffix("|") for line in MALFORMED[1:-1].split("|\n")]
REFUSED_URLS = [
    *MALFORMED_URLS,
    *lines(NUMBERS),
    *lines(INNER_ADDRESSES),
    *lines(INNER_NAMES),
    *lines(SCHEMES_AND_PORTS),
]
ALLOWED_URLS = lines(ALLOWED)
