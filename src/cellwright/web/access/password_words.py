"""Words that passwords are made of. Written for this product from what everybody knows; no list of others is copied."""

from typing import Final

_PASSWORDS: Final = """
password passwort passwd passphrase motdepasse contrasena senha parola salasana haslo lozinka mima admin administrator
root user username guest login logon access default changeme changeit letmein welcome secret private public master
super superuser supervisor manager operator engineer service support system server database oracle postgres mysql
test testing tester demo sample example temp temporary trustno iloveyou whatever nothing something unknown hello
goodbye please thankyou sorry open sesame opensesame abracadabra computer internet network windows linux ubuntu debian
android iphone google facebook amazon apple microsoft samsung huawei xiaomi tencent alibaba baidu wechat taobao
youtube twitter instagram netflix
"""
_WORLD: Final = """
monkey dragon tiger lion eagle shark wolf panther bear horse rabbit turtle dolphin butterfly kitty kitten puppy doggy
football soccer baseball basketball hockey tennis golf cricket rugby chelsea arsenal liverpool barcelona realmadrid
juventus ferrari porsche mercedes toyota honda nissan yamaha corvette mustang camaro harley batman superman spiderman
ironman pokemon pikachu naruto starwars skywalker matrix gandalf hobbit potter merlin wizard ninja samurai warrior
hunter ranger killer shadow phoenix thunder lightning storm rainbow sunshine sunflower flower cherry orange banana
apple peach chocolate cookie coffee cheese pepper ginger pizza summer winter spring autumn monday tuesday wednesday
thursday friday saturday sunday january february march april june july august september october november december
purple yellow silver golden diamond crystal princess prince queen king angel heaven devil lucky happy forever family
mother father brother sister baby lover loveme freedom america england london paris berlin moscow beijing shanghai
shenzhen guangzhou china india japan korea germany france michael jordan daniel thomas robert joseph andrew matthew
jessica ashley jennifer michelle nicole amanda melissa maria anna charlie george william david james maggie buster
tigger bailey cooper rocky shadow ranger
"""
_CHINESE: Final = """
woaini woaiwojia wodemima mimamima nihao zhongguo beijing shanghai guangzhou gongsi gongchang dianchi dianxin laoban
baobao baobei laopo laogong pengyou xiaoming zhangsan lisi wangwu zhangwei wangwei liwei wangfang aini aishiteru
caonima meimei gege didi jiejie long feng xiaolong taiyang yueliang chunjie xinnian gongxifacai facai
"""
_PRODUCT: Final = """
cellwright battery batteries traction module pack cathode anode electrode separator electrolyte coating slurry mixing
calender winding slitting formation ageing welding lithium phosphate graphite plant factory line station shopfloor
quality maintenance planner auditor partner line lead shift mes gigafactory barcode scanner
"""
_WALKS: Final = """
qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn qazwsxedcrfvtgbyhnujmik 1qaz2wsx3edc4rfv5tgb
qweasdzxc 1q2w3e4r5t6y7u8i9o0p 0p9o8i7u6y5t4r3e2w1q q1w2e3r4t5y6u7i8o9p0 zaq12wsx zaqxswcdevfr abcdefghijklmnopqrstuvwxyz
01234567890123456789 1234567890 147258369 123698745 5201314 1314520 7758521 741852963 159753 112233445566778899 aabbccddeeff
abc123 a1b2c3d4e5f6g7h8
"""

WORDS: Final = frozenset(
    word for text in (_PASSWORDS, _WORLD, _CHINESE, _PRODUCT) for word in text.split() if len(word) >= 4
)
"""Well-known words, in lower case, of at least four letters."""

WALKS: Final = tuple(walk for text in _WALKS.split() for walk in (text, text[::-1]))
"""Rows and zigzags of keyboards, the alphabet and counting, in both directions."""
