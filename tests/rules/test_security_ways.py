"""The rules of security against the many ways in which the same thing is written.

`# bad` marks lines that must be found and proven; on all others nothing may be proven.
"""

from __future__ import annotations

import pytest
from trees import project_of

from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.discover import all_rules
from rules.engine.run import check

RULES = {each.code: each for each in all_rules()}
CONFIG = Config(review=ReviewConfig(confidence="proven"), rules=RulesConfig(defer_to_linters=False))
PATH = "shop/views.py"

WRITTEN = [
    (
        "SEC116",
        r"""
import hashlib
from flask import request
def register():
    pw = request.form["password"]
    hashed = hashlib.md5(pw.encode("utf-8")).hexdigest()  # bad
    db.execute("...", hashed)
def hash_password(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()  # bad
def verify_password(plain, hashed):
    return hashlib.sha1(plain.encode()).hexdigest() == hashed  # bad
def h2(self, raw_password, salt):
    m = hashlib.sha512()  # bad
    m.update((salt + raw_password).encode())
    self.password_hash = m.hexdigest()
class User(Base):
    def set_password(self, value):
        self.password = hashlib.md5(value.encode()).hexdigest()  # bad
    def check(self, password):
        return self.password == password  # bad
def login(form, session):
    user = session.query(User).filter(User.username == form.username, User.password == form.password).first()  # bad
    user2 = User.query.filter_by(username=form.u.data, password=form.password.data).first()  # bad
    user3 = User.objects.get(username=request.POST["u"], password=request.POST["password"])  # bad
    from passlib.hash import sha256_crypt
    return sha256_crypt.hash(form.password)
""",
    ),
    (
        "SEC117",
        r"""
import hashlib
from hashlib import md5, sha1
def make_token(user):
    return hashlib.md5(f"{user.id}{time()}".encode()).hexdigest()  # bad
def sign(data, secret):
    return sha1(data + secret).hexdigest()  # bad
def session_id(user):
    return md5(str(user.pk).encode()).hexdigest()  # bad
def cache_key(x):
    return md5(x).hexdigest()
def file_hash(path):
    h = hashlib.md5()
    h.update(open(path, "rb").read())
    return h.hexdigest()
api_key = hashlib.sha1(os.urandom(20)).hexdigest()  # bad
ALGO = "md5"
def signature(msg):
    return hashlib.new(ALGO, msg).hexdigest()  # bad
""",
    ),
    (
        "SEC118",
        r"""
from Crypto.Cipher import DES3, ARC4, AES, Blowfish
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.asymmetric import rsa, dsa
c1 = DES3.new(key, DES3.MODE_EAX)  # bad
c2 = ARC4.new(key)  # bad
c3 = AES.new(key, AES.MODE_CBC, b"0000000000000000")  # bad
c4 = Cipher(algorithms.ARC4(key), mode=None)  # bad
c5 = Cipher(algorithms.AES(key), modes.ECB())  # bad
k = rsa.generate_private_key(65537, 1024, default_backend())  # bad
c6 = AES.new(key, AES.MODE_GCM)
from Crypto.PublicKey import RSA
k2 = RSA.generate(1024)  # bad
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
def enc(data):
    nonce = b"123456789012"
    return AESGCM(key).encrypt(nonce, data, None)  # bad
k3 = dsa.generate_private_key(key_size=1024)  # bad
c7 = AES.new(key, AES.MODE_CBC, iv=bytes(16))  # bad
iv = b"\x00" * 16
c8 = AES.new(key, AES.MODE_CBC, iv)  # bad
from cryptography.hazmat.primitives.asymmetric import ec
k4 = ec.generate_private_key(ec.SECP192R1())  # bad
""",
    ),
    (
        "SEC119",
        r"""
import random, string
from random import choice
def generate_otp():
    return str(random.randint(100000, 999999))  # bad
def generate_token(n=32):
    chars = string.ascii_letters + string.digits
    return "".join(random.choice(chars) for _ in range(n))  # bad
def new_password():
    return "".join(random.sample(string.ascii_letters, 10))  # bad
user.reset_code = random.randint(1000, 9999)  # bad
session["sid"] = "%030x" % random.randrange(16**30)  # bad
api_key = "".join(choice(string.hexdigits) for i in range(40))  # bad
salt = "".join(random.choices(string.ascii_lowercase, k=8))  # bad
verification_code = f"{random.randint(0, 999999):06d}"  # bad
def create_session_id():
    return hex(random.getrandbits(128))[2:]  # bad
def invite():
    code = ""
    for _ in range(6):
        code += random.choice("ABCDEFGHJKMNPQRSTUVWXYZ23456789")  # bad
    return Invite(code=code)
time.sleep(random.uniform(0, 1))
winner = random.choice(users)
csrf_token = hashlib.sha256(str(random.random()).encode()).hexdigest()  # bad
password = User.objects.make_random_password()
import uuid
secret = random.SystemRandom().choice("abc")
""",
    ),
    (
        "SEC121",
        r"""
import hmac, hashlib, os
from django.conf import settings
from flask import request, current_app, abort
def hook():
    sig = request.headers.get("X-Hub-Signature-256")
    expected = "sha256=" + hmac.new(SECRET.encode(), request.data, hashlib.sha256).hexdigest()
    if sig != expected:  # bad
        abort(403)
def t1():
    token = request.headers.get("Authorization")
    if token != current_app.config["API_TOKEN"]:  # bad
        abort(401)
def t2(request):
    if request.META.get("HTTP_X_API_KEY") == settings.API_KEY:  # bad
        return True
def t3(token: str):
    if token == settings.SECRET_TOKEN:  # bad
        return True
def verify(user, token):
    if user.reset_token == token:  # bad
        return True
def verify_signature(body, signature):
    digest = hmac.new(KEY, body, hashlib.sha256).hexdigest()
    return digest == signature  # bad
def verify2(payload, secret, signature):
    mac = hmac.new(secret.encode(), msg=payload, digestmod=hashlib.sha256)
    return mac.hexdigest() == signature  # bad
def verify3(api_key, stored_api_key):
    return api_key == stored_api_key  # bad
def ok(token):
    if token == "":
        return
    if parser.token == other.token:
        return
    if csrf_token == request.cookies["csrftoken"]:
        return
    return hmac.compare_digest(token, settings.TOKEN)
def get_api_key(api_key_header: str = Security(h)):
    if api_key_header == os.getenv("API_KEY"):  # bad
        return api_key_header
""",
    ),
    (
        "SEC122",
        r"""
import requests, httpx, ssl, aiohttp, urllib3
from elasticsearch import Elasticsearch
requests.post(url, json=x, verify=False)  # bad
s = requests.Session()
s.verify = False  # bad
s.get(url, verify=False)  # bad
httpx.get(url, verify=False)  # bad
c = httpx.Client(verify=False)  # bad
conn = aiohttp.TCPConnector(ssl=False)  # bad
conn2 = aiohttp.TCPConnector(verify_ssl=False)  # bad
http = urllib3.PoolManager(cert_reqs="CERT_NONE")  # bad
http2 = urllib3.PoolManager(cert_reqs=ssl.CERT_NONE)  # bad
ctx = ssl._create_unverified_context()  # bad
ssl._create_default_https_context = ssl._create_unverified_context  # bad
ctx2 = ssl.create_default_context()
ctx2.check_hostname = False
ctx2.verify_mode = ssl.CERT_NONE  # bad
VERIFY = False
requests.get(url, verify=VERIFY)  # bad
opts = {"verify": False}
requests.get(url, **opts)  # bad
es = Elasticsearch(hosts, verify_certs=False)  # bad
from ldap3 import Tls
t = Tls(validate=ssl.CERT_NONE)  # bad
import pymongo
m = pymongo.MongoClient(uri, tls=True, tlsAllowInvalidCertificates=True)  # bad
requests.get(url, verify=True)
requests.get(url, verify=certifi.where())
""",
    ),
    (
        "SEC123",
        r"""
import ssl
from ssl import PROTOCOL_TLSv1
c = ssl.SSLContext(ssl.PROTOCOL_SSLv3)  # bad
d = ssl.SSLContext(PROTOCOL_TLSv1)  # bad
e = ssl.wrap_socket(sock, ssl_version=ssl.PROTOCOL_TLSv1_1)  # bad
f = ssl.create_default_context()
f.minimum_version = ssl.TLSVersion.TLSv1  # bad
from OpenSSL import SSL
g = SSL.Context(SSL.TLSv1_METHOD)  # bad
h = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
from ssl import TLSVersion
f.minimum_version = TLSVersion.TLSv1_1  # bad
f.options &= ~ssl.OP_NO_SSLv3
""",
    ),
    (
        "SEC125",
        r"""
import jwt
from jose import jwt as jjwt, JWTError
def a(token):
    return jwt.decode(token, options={"verify_signature": False})  # bad
def b(token):
    return jwt.decode(token, SECRET, verify=False)  # bad
def c(token):
    return jwt.decode(token, SECRET, algorithms=["none"])  # bad
def d(token):
    return jwt.decode(token, SECRET)  # bad
def e(token):
    return jjwt.decode(token, SECRET, options={"verify_signature": False, "verify_aud": False})  # bad
def f(token):
    return jjwt.get_unverified_claims(token)  # bad
def g(token):
    return jwt.decode(token, SECRET, algorithms=["HS256"])
def h(payload):
    return jwt.encode(payload, "", algorithm="none")  # bad
OPTS = {"verify_signature": False}
def i(token):
    return jwt.decode(token, SECRET, algorithms=["HS256"], options=OPTS)  # bad
def j(token):
    return jwt.decode(token, SECRET, algorithms=jwt.get_unverified_header(token)["alg"])  # bad
def k(token):
    header = jwt.get_unverified_header(token)
    return jwt.decode(token, SECRET, algorithms=[header["alg"]])  # bad
from jwt import decode
def l(token):
    return decode(token, KEY, ["HS256"], options={"verify_signature": False})  # bad
def m(token):
    return jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_exp": False})
from jwt import PyJWT
def n(token):
    return PyJWT().decode(token, KEY, options=dict(verify_signature=False))  # bad
""",
    ),
    (
        "SEC126",
        r"""
import jwt
from datetime import datetime, timedelta
def create_token(user_id):
    payload = {"user_id": user_id, "iat": datetime.utcnow()}
    return jwt.encode(payload, settings.SECRET_KEY, algorithm="HS256")  # bad
class Auth:
    def encode_token(self, user):
        return jwt.encode({"sub": user.id}, self.secret, "HS256")  # bad
def good(user):
    payload = dict(sub=user.id, exp=datetime.utcnow() + timedelta(hours=1))
    return jwt.encode(payload, KEY)
def good2(user):
    payload = {"sub": user.id}
    payload.update(exp=datetime.utcnow())
    return jwt.encode(payload, KEY)
def good3(user, extra):
    payload = {"sub": user.id}
    payload |= extra
    return jwt.encode(payload, KEY)
def bad3(user):
    payload = dict(sub=user.id)
    payload["role"] = user.role
    token = jwt.encode(payload, KEY, algorithm="HS256")  # bad
    return token
""",
    ),
    (
        "SEC126",
        r"""
from jose import jwt
def create_access_token(data: dict):
    to_encode = data.copy()
    encoded_jwt = jwt.encode(to_encode, SECRET_KEY, algorithm=ALGORITHM)  # bad
    return encoded_jwt
""",
    ),
    (
        "SEC126",
        r"""
from jose import jwt
def create_access_token(data: dict, expires_delta=None):
    to_encode = data.copy()
    if expires_delta:
        to_encode.update({"exp": expires_delta})
    encoded_jwt = jwt.encode(to_encode, SECRET_KEY, algorithm=ALGORITHM)
    return encoded_jwt
""",
    ),
    (
        "SEC127",
        r"""
import jwt
SECRET_KEY = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"  # bad
ALGORITHM = "HS256"
def create(data):
    return jwt.encode(data, SECRET_KEY, algorithm=ALGORITHM)
def dec(token):
    return jwt.decode(token, "my-secret", algorithms=["HS256"])  # bad
def dec2(token):
    return jwt.decode(token, key="my-secret2", algorithms=["HS256"])  # bad
class Auth:
    secret = "SECRET"  # bad
    def enc(self, d):
        return jwt.encode(d, self.secret, algorithm="HS256")
class Auth2:
    def __init__(self):
        self.secret = "SECRET3"  # bad
    def enc(self, d):
        return jwt.encode(d, self.secret, algorithm="HS256")
def enc3(d):
    return jwt.encode(d, b"bytes-secret", algorithm="HS256")  # bad
def enc4(d):
    return jwt.encode(d, os.environ["X"], algorithm="HS256")
""",
    ),
    (
        "SEC130",
        r"""
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware import Middleware
app = FastAPI()
origins = ["*"]
app.add_middleware(
    CORSMiddleware,
    allow_origins=origins,  # bad
    allow_credentials=True,
    allow_methods=["*"],
)
middleware = [Middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)]  # bad
app.add_middleware(CORSMiddleware, allow_origin_regex=".*", allow_credentials=True)  # bad
app.add_middleware(CORSMiddleware, allow_origin_regex="https?://.*", allow_credentials=True)  # bad
app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"], allow_methods=["*"])
""",
    ),
    (
        "SEC130",
        r"""
from flask import Flask, make_response, request
from flask_cors import CORS, cross_origin
app = Flask(__name__)
CORS(app)  # bad
CORS(app, origins="*", supports_credentials=True)  # bad
CORS(app, resources={r"/*": {"origins": "*"}}, supports_credentials=True)  # bad
@app.route("/x")
@cross_origin()  # bad
def x():
    r = make_response()
    return r
@app.after_request
def after(response):
    response.headers.add("Access-Control-Allow-Origin", "*")  # bad
    response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin")  # bad
    return response
CORS(app, origins=["https://x.example"])
cors = CORS()
cors.init_app(app)
""",
    ),
    (
        "SEC137",
        r"""
import tempfile, os
from pathlib import Path
p = tempfile.mktemp()  # bad
with open("/tmp/data.json", "w") as f:  # bad
    f.write("x")
path = "/tmp/upload_" + name
with open(path, "wb") as f:  # bad
    f.write(b"")
target = os.path.join("/tmp", filename)
open(target, "w").write("x")  # bad
t2 = os.path.join(tempfile.gettempdir(), "report.txt")
open(t2, "w").write("x")  # bad
Path("/tmp/x.txt").write_text("x")  # bad
(Path("/tmp") / name).write_bytes(b"")  # bad
file.save("/tmp/" + file.filename)  # bad
file.save(f"/tmp/{uuid4()}")
with tempfile.NamedTemporaryFile() as f:
    pass
open("/tmp/data.json").read()
""",
    ),
    (
        "SEC138",
        r"""
import tarfile, zipfile, shutil
def a(path, dest):
    with tarfile.open(path, "r:gz") as tar:
        tar.extractall(path=dest)  # bad
def b(path, dest):
    tar = tarfile.open(path)
    tar.extractall(dest)  # bad
def c(path, dest):
    tarfile.open(path).extractall()  # bad
def d(path, dest):
    with tarfile.TarFile(path) as t:
        t.extractall(dest, members=t.getmembers())  # bad
def e(path, dest):
    with tarfile.open(path) as t:
        t.extractall(dest, filter="data")
def f(path, dest):
    with tarfile.open(path) as t:
        for m in t.getmembers():
            t.extract(m, dest)  # bad
def g(upload, dest):
    shutil.unpack_archive(upload, dest)
def h(path, dest):
    with zipfile.ZipFile(path) as z:
        for n in z.namelist():
            with open(os.path.join(dest, n), "wb") as f:
                f.write(z.read(n))
""",
    ),
    (
        "SEC139",
        r"""
from flask import make_response
from django.http import HttpResponse
def a():
    resp = make_response("x")
    resp.set_cookie("session", sid)  # bad
    resp.set_cookie("auth_token", token, httponly=True)  # bad
    resp.set_cookie("access_token", f"Bearer {t}", httponly=True, secure=False)  # bad
    resp.set_cookie("sessionid", value=sid, secure=True)  # bad
    resp.set_cookie("jwt", t, secure=True, httponly=True, samesite="Lax")
    resp.set_cookie("theme", "dark")
    resp.set_cookie("access_token", t, max_age=3600, httponly=True, samesite="lax")  # bad
    resp.set_cookie("user", user.id)  # bad
    resp.set_cookie("jwt", t, secure=True, httponly=True, samesite="none")
    return resp
""",
    ),
    (
        "SEC140",
        r"""
from django.contrib.auth.decorators import login_required
def a(request):
    assert request.user.is_authenticated  # bad
    assert request.user.is_superuser, "no"  # bad
    assert request.user == obj.author  # bad
    assert request.user.has_perm("x.y")  # bad
    assert obj.user_id == request.user.id  # bad
def b(user, amount):
    assert user.role == "admin"  # bad
    assert user.is_admin  # bad
    assert isinstance(amount, int)
    assert amount is not None
@app.get("/x")
def c(token: str = Depends(x), user=Depends(get_user)):
    assert verify_token(token)  # bad
    assert "admin" in user.roles  # bad
""",
    ),
    (
        "SEC108",
        r"""
from jinja2 import Environment, FileSystemLoader, Template
import jinja2
from fastapi.responses import HTMLResponse
env = Environment(loader=FileSystemLoader("templates"), autoescape=False)  # bad
env2 = jinja2.Environment(loader=FileSystemLoader("templates"))  # bad
def page(name):
    return HTMLResponse(env.get_template("x.html").render(name=name))
env3 = Environment(autoescape=True)
app.jinja_env.autoescape = False  # bad
""",
    ),
    (
        "SEC124",
        r"""
import requests, httpx, urllib.request, aiohttp
requests.get(url)  # bad
requests.post(url, json=x, timeout=None)  # bad
with requests.Session() as s:
    s.get(url)  # bad
httpx.get(url, timeout=None)  # bad
c = httpx.Client(timeout=None)  # bad
urllib.request.urlopen(url)  # bad
httpx.get(url)
requests.get(url, timeout=(3, 10))
from requests import get
get(url)  # bad
timeout = aiohttp.ClientTimeout(total=None)  # bad
""",
    ),
    (
        "SEC116",
        r"""
import hashlib
from hashlib import sha256
class UserService:
    def create_user(self, data: UserCreate):
        user = User(email=data.email, hashed_password=hashlib.sha256(data.password.encode()).hexdigest())  # bad
        db.add(user)
    def authenticate(self, username, password):
        user = self.db.query(User).filter(User.username == username).first()
        if user and user.hashed_password == sha256(password.encode()).hexdigest():  # bad
            return user
def get_password_hash(password):
    return hashlib.new("sha1", password.encode()).hexdigest()  # bad
@app.route("/login", methods=["POST"])
def login():
    data = request.get_json()
    user = User.query.filter_by(email=data["email"]).first()
    if user.password != data["password"]:  # bad
        abort(401)
    if user and data.get("password") == user.password:  # bad
        return "x"
@app.post("/login")
async def login2(form_data: OAuth2PasswordRequestForm = Depends()):
    user = fake_users_db.get(form_data.username)
    if not user or user["password"] != form_data.password:  # bad
        raise HTTPException(400)
def login3(request):
    u = User.objects.filter(username=request.POST["username"], password=request.POST["password"]).first()  # bad
    if request.POST.get("password") == u.password:  # bad
        return u
def f(pwd):
    return hashlib.md5(pwd.encode()).hexdigest()  # bad
from django.contrib.auth.hashers import make_password
x = make_password(raw, hasher="md5")  # bad
from passlib.hash import md5_crypt
y = md5_crypt.hash(raw)  # bad
from passlib.context import CryptContext
pwd_context = CryptContext(schemes=["sha256_crypt"])
bad = CryptContext(schemes=["plaintext"])  # bad
""",
    ),
    (
        "SEC119",
        r"""
import random, string, uuid
from random import SystemRandom, randint, choices
def generate_reset_token(length=20):
    letters = string.ascii_lowercase
    return "".join(random.choice(letters) for i in range(length))  # bad
class PasswordReset(Base):
    token = Column(String, default=lambda: str(random.randint(10000, 99999)))  # bad
def send_sms(user):
    user.otp = randint(1000, 9999)  # bad
    user.save()
def make_api_key():
    key = "".join(choices(string.ascii_letters, k=40))  # bad
    return key
@app.route("/token")
def token():
    random.seed(time.time())
    value = random.getrandbits(64)  # bad
    return {"token": value}
def g():
    resp.set_cookie("session_id", str(random.random()))  # bad
    session["csrf_token"] = random.getrandbits(64)  # bad
    temp_password = "".join(random.sample(string.digits, 8))  # bad
    activation_key = hashlib.sha1(str(random.random()).encode()).hexdigest()  # bad
    confirmation_code = str(random.randrange(100000, 1000000))  # bad
    secret_key = "".join([random.SystemRandom().choice(chars) for i in range(50)])
    import numpy as np
    nonce = np.random.bytes(16)  # bad
""",
    ),
    (
        "SEC121",
        r"""
import hmac, hashlib, os, secrets
from fastapi import Header, HTTPException, Depends
from flask import request, current_app
API_TOKEN = os.environ["API_TOKEN"]
def check(authorization: str = Header(None)):
    if authorization != f"Bearer {API_TOKEN}":  # bad
        raise HTTPException(401)
def verify_webhook(request):
    signature = request.headers["X-Signature"]
    computed = hmac.new(os.environ["S"].encode(), request.body, "sha256").hexdigest()
    if computed == signature:  # bad
        return True
def slack(req):
    my_sig = "v0=" + hmac.new(SECRET, base, hashlib.sha256).hexdigest()
    return my_sig == req.headers["X-Slack-Signature"]  # bad
def key_required(f):
    def w():
        if request.headers.get("X-API-Key") == os.environ.get("API_KEY"):  # bad
            return f()
        if request.args.get("token") == current_app.config["ADMIN_TOKEN"]:  # bad
            return f()
    return w
class Perm(BasePermission):
    def has_permission(self, request, view):
        return request.headers.get("Authorization") == settings.INTERNAL_TOKEN  # bad
def confirm(request, token):
    user = User.objects.get(pk=1)
    if user.confirmation_token == token:  # bad
        user.activate()
def verify_totp(user, code):
    return user.otp_code == code
def cmp(provided_token, expected_token):
    return provided_token == expected_token  # bad
def verify_api_key(api_key: str):
    if api_key != settings.api_key:  # bad
        raise X
async def verify_token(x_token: str = Header()):
    if x_token != config.X_TOKEN:  # bad
        raise X
""",
    ),
    (
        "SEC125",
        r"""
import jwt
from jwt import decode as jwt_decode
from authlib.jose import JsonWebToken, jwt as ajwt
from flask_jwt_extended import decode_token
def a(t):
    return jwt.decode(t, algorithms=["HS256"], options={"verify_signature": False})  # bad
def b(t):
    return jwt_decode(t, "", False)
def c(t):
    try:
        payload = jwt.decode(t, settings.SECRET_KEY, algorithms=["HS256", "none"])  # bad
    except Exception:
        pass
ALGS = ["HS256", "none"]  # bad
def d(t):
    return jwt.decode(t, KEY, algorithms=ALGS)
def e(p):
    return jwt.encode(p, key=None, algorithm=None)  # bad
def f(token):
    return jwt.decode(token, key=KEY, verify=False, algorithms=["HS256"])  # bad
options = {"verify_signature": False, "verify_exp": False}
class Auth:
    def g(self, token):
        return jwt.decode(token, self.key, algorithms=["RS256"], options=options)  # bad
def h(token):
    decoded = jwt.decode(token, options={"verify_signature": False})  # bad
    return User.objects.get(pk=decoded["sub"])
def i(token):
    header, payload, sig = token.split(".")
    return json.loads(base64.urlsafe_b64decode(payload))
""",
    ),
    (
        "SEC126",
        r"""
from jose import jwt
import jwt as pyjwt
def create_token(user: User) -> str:
    claims = {"sub": str(user.id), "scopes": user.scopes}
    return jwt.encode(claims, settings.SECRET_KEY, algorithm=settings.ALGORITHM)  # bad
def login():
    token = pyjwt.encode({"user": "x", "role": "admin"}, app.config["SECRET_KEY"], algorithm="HS256")  # bad
    return jsonify({"token": token})
class M:
    def get_token(self):
        return pyjwt.encode({"id": self.pk, "iat": datetime.utcnow()}, settings.SECRET_KEY, algorithm="HS256").decode()  # bad
def encode_auth_token(user_id):
    try:
        payload = {
            "iat": 1,
            "sub": user_id,
        }
        return pyjwt.encode(payload, KEY, algorithm="HS256")  # bad
    except Exception as e:
        return e
""",
    ),
    (
        "SEC127",
        r"""
import jwt
from fastapi_users.authentication import JWTStrategy
from flask import Flask
app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = "jwt-secret-string"  # bad
SECRET = "SECRET"  # bad
def get_jwt_strategy():
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)
app.config.update(JWT_SECRET_KEY="another")  # bad
SIMPLE_JWT = {"SIGNING_KEY": "hardcoded", "ALGORITHM": "HS256"}  # bad
class Config:
    JWT_SECRET_KEY = "class-secret"  # bad
def x(p):
    key = "local"  # bad
    return jwt.encode(p, key, algorithm="HS256")
""",
    ),
    (
        "SEC130",
        r"""
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=("*",), allow_credentials=True)  # bad
app.add_middleware(CORSMiddleware, allow_origins="*", allow_methods="*")  # bad
app = CORSMiddleware(app, allow_origins=["*"], allow_credentials=True)  # bad
config = dict(allow_origins=["*"], allow_credentials=True)
""",
    ),
    (
        "SEC139",
        r"""
async def a(request):
    response = web.HTTPFound("/")
    response.set_cookie("AIOHTTP_SESSION", sid, httponly=True)  # bad
    response.set_cookie("auth", token, secure=False, httponly=False)  # bad
    response.set_signed_cookie("session_token", t, salt="x")  # bad
    response.set_cookie(settings.AUTH_COOKIE, str(refresh.access_token), max_age=1, httponly=True, secure=False)  # bad
    response.set_cookie(SESSION_COOKIE_NAME, value=session_id)  # bad
    response.set_cookie(key="Authorization", value=f"Bearer {token}", httponly=True)  # bad
    response.set_cookie("refresh", t, 3600, None, "/", None, True, True, "Lax")
""",
    ),
    (
        "SEC122",
        r"""
import requests, urllib.request, ssl, smtplib
from httpx import AsyncClient
import aiohttp
async def a():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(verify_ssl=False)) as s:  # bad
        await s.get(url, verify_ssl=False)  # bad
    async with AsyncClient(verify=False) as c:  # bad
        pass
class X:
    def __init__(self):
        self.session = requests.Session()
        self.session.verify = False  # bad
    def get(self):
        return self.session.request("GET", url, verify=False)  # bad
resp = requests.request("GET", url, headers=h, verify=False, timeout=3)  # bad
urllib.request.urlopen(url, context=ssl._create_unverified_context())  # bad
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ctx.check_hostname = False  # bad
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.VerifyMode.CERT_NONE  # bad
""",
    ),
    (
        "SEC137",
        r"""
import os, shutil, tempfile
def a(data, user):
    fn = f"/tmp/{user.name}.csv"
    with open(fn, "w") as fh:  # bad
        fh.write(data)
    with open("/tmp/%s" % user, "wb") as fh:  # bad
        pass
    with open("/tmp/{}.txt".format(user), "a") as fh:  # bad
        pass
    shutil.copy(src, "/tmp/copy.txt")  # bad
    name = tempfile.mktemp(suffix=".pdf", dir="/x")  # bad
""",
    ),
    (
        "SEC138",
        r"""
import tarfile, io
def a(request):
    tar = tarfile.open(fileobj=request.FILES["f"], mode="r:*")
    tar.extractall("/data")  # bad
    tar.close()
def b(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tf:
        for member in tf:
            tf.extract(member, path="/data")  # bad
def c(path):
    import shutil
    shutil.unpack_archive(path, "/x", "gztar")  # bad
""",
    ),
    (
        "SEC140",
        r"""
from flask_login import current_user
from flask import request, session
@app.route("/admin")
def a():
    assert current_user.is_admin, "forbidden"  # bad
    assert session.get("user_id")
@app.post("/x")
def b():
    data = request.get_json()
    assert data["amount"] > 0  # bad
    assert "name" in data  # bad
class V(APIView):
    def post(self, request):
        assert request.data["qty"] > 0  # bad
        assert request.user.is_staff  # bad
        assert obj.owner_id == request.user.id  # bad
def transfer(user, account, amount):
    assert account.owner == user  # bad
    assert user.has_permission("x")  # bad
""",
    ),
]

SAFE = [
    (
        "SEC117",
        r"""
import hashlib
def get_cache_key(request): return hashlib.md5(request.get_full_path().encode()).hexdigest()
def gravatar_url(user): return f"https://www.gravatar.com/avatar/{hashlib.md5(user.email.encode()).hexdigest()}"
def etag_for(resp): return hashlib.sha1(resp.content).hexdigest()
class Document(models.Model):
    def save(self):
        self.content_hash = hashlib.md5(self.content).hexdigest()
def dedupe(rows):
    seen = set()
    for row in rows:
        digest = hashlib.md5(repr(row).encode()).hexdigest()
        if digest in seen: continue
def file_md5(path):
    h = hashlib.md5()
    for chunk in iter(lambda: f.read(8192), b""):
        h.update(chunk)
def upload(request):
    f = request.files["file"]
    checksum = hashlib.md5(f.read()).hexdigest()
    return checksum
@app.get("/thing")
def thing(request):
    body = render()
    response.headers["ETag"] = hashlib.md5(body.encode()).hexdigest()
    return response
def view(request):
    key = "results:" + hashlib.md5(request.GET["q"].encode()).hexdigest()
    return cache.get_or_set(key, run)
""",
    ),
    (
        "SEC119",
        r"""
import random
def backoff(attempt): return min(60, 2 ** attempt) * random.uniform(0.5, 1.5)
def pick_server(servers): return random.choice(servers)
def shuffle_questions(questions):
    random.shuffle(questions)
    return questions
def ab_variant(user): return "A" if random.random() < 0.5 else "B"
def sample_tokens(tokens, k): return random.sample(tokens, k)
def pick_key(keys):
    key = random.choice(keys)
    return key
def temperature(): return random.gauss(20, 5)
color = "#%06x" % random.randint(0, 0xFFFFFF)
port = random.randint(20000, 30000)
max_tokens = random.randint(10, 20)
order_number = random.randint(100000, 999999)
discount_code_color = random.choice(["red", "blue"])
status_code = random.choice([200, 500])
data = {"token_count": random.randint(1, 9)}
filename = "".join(random.choices("abcdef", k=8))
""",
    ),
    (
        "SEC121",
        r"""
from flask import request
def f(token, user, a, b):
    if token.type == "NAME": pass
    if token == prev_token: pass
    if user.token_version == payload["token_version"]: pass
    if request.form["password"] == request.form["confirm_password"]: pass
    if form.password.data == form.confirm.data: pass
    if request.headers.get("Authorization") == None: pass
    if a.key == b.key: pass
    if request.args["key"] == "x": pass
    if api_key.user_id == user.id: pass
    if token_type == settings.TOKEN_TYPE: pass
    if signature.parameters == other.parameters: pass
    if hashlib.sha256(data).hexdigest() == expected_sha: pass
    if key == settings.DEFAULT_KEY: pass
    if request.method == "POST": pass
    if resp.headers["ETag"] == etag: pass
    if access_token.expires == now: pass
    if obj.secret_name == name: pass
    if len(token) == settings.TOKEN_LENGTH: pass
    if request.data["token_type"] == user.token_type: pass
class T:
    def __eq__(self, other): return self.api_key == other.api_key
""",
    ),
    (
        "SEC116",
        r"""
import hashlib, bcrypt
from werkzeug.security import generate_password_hash, check_password_hash
def set_password(self, password): self.password_hash = generate_password_hash(password)
def check(self, password): return check_password_hash(self.password_hash, password)
def b(password): return bcrypt.hashpw(password.encode(), bcrypt.gensalt())
def reset_token(user): return hashlib.sha256(f"{user.pk}{user.password_changed_at}".encode()).hexdigest()
def f(form):
    if form.password != form.password2: raise X
    if cleaned["password1"] != cleaned["password2"]: raise X
    if user.password == "": raise X
    if user.username == form.username: pass
def pbk(password, salt): return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 100000)
def derive(password, salt): return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
gen = generate_password_hash(password, method="pbkdf2:sha256", salt_length=16)
gen2 = generate_password_hash(password, method="scrypt")
def password_strength_cache(password_policy): return hashlib.sha256(password_policy.name.encode()).hexdigest()
client = Client(user=user, password=password)
x = get(password=password)
User.objects.filter(password__isnull=True)
User.objects.create_user(username=u, password=password)
""",
    ),
    (
        "SEC122",
        r"""
import requests, httpx
requests.get(url, verify=True)
requests.get(url, verify="/ca.pem")
requests.get(url, verify=settings.VERIFY)
obj.save(verify=False)
verify_email(user, verify=False)
client.get("/x", ssl=True)
httpx.Client(verify=ctx)
engine = create_engine(url, ssl=False)
form = Form(verify=False)
self.verify = False
user.verify = False
check_hostname = False
subprocess_run(cmd, ssl=False)
User(verify=False)
app.run(ssl=False)
""",
    ),
    (
        "SEC125",
        r"""
import jwt, base64
def a(t): return jwt.decode(t, KEY, algorithms=["HS256"])
def b(t): return jwt.decode(t, KEY, ["HS256"])
def c(t): return jwt.decode(t, key=KEY, algorithms=[settings.ALG], audience="x")
def d(t):
    h = jwt.get_unverified_header(t)
    return jwt.decode(t, jwks[h["kid"]], algorithms=["RS256"])
def e(t): return base64.b64decode(t)
def f(t): return t.decode("utf-8")
def g(t): return serializer.decode(t, verify=False)
def h(t): return jwt.decode(t, KEY, algorithms=ALGORITHMS, options={"verify_aud": False})
def i(p): return jwt.encode(p, KEY, algorithm="HS256")
def j(p): return jwt.encode(p, KEY)
""",
    ),
    (
        "SEC126",
        r"""
import jwt
def a(u): return jwt.encode({"sub": u, "exp": now() + delta}, KEY)
def b(claims): return jwt.encode(claims, KEY)
def c(u):
    p = build(u)
    return jwt.encode(p, KEY)
def d(u):
    p = {"sub": u}
    if remember: p["exp"] = long
    else: p["exp"] = short
    return jwt.encode(p, KEY)
def e(u, **extra):
    return jwt.encode({**extra, "sub": u}, KEY)
def f(u):
    payload = {"sub": u}
    add_expiry(payload)
    return jwt.encode(payload, KEY)
def g(u):
    return "x".encode("utf-8")
""",
    ),
    (
        "SEC130",
        r"""
from fastapi.middleware.cors import CORSMiddleware
from flask_cors import CORS
app.add_middleware(CORSMiddleware, allow_origins=settings.ORIGINS, allow_credentials=True)
app.add_middleware(CORSMiddleware, allow_origins=["https://a.b"], allow_methods=["*"], allow_headers=["*"])
app.add_middleware(CORSMiddleware, allow_origin_regex=r"https://.*\.example\.com", allow_credentials=True)
CORS(app, origins=app.config["ORIGINS"])
CORS(app, resources={r"/api/*": {"origins": ["https://x.y"]}})
response["Access-Control-Allow-Origin"] = settings.ORIGIN
response.headers["Access-Control-Allow-Methods"] = "*"
app.add_middleware(GZipMiddleware)
""",
    ),
    (
        "SEC137",
        r"""
import tempfile, os
from pathlib import Path
f = tempfile.NamedTemporaryFile(delete=False)
d = tempfile.mkdtemp()
p = os.path.join(d, "x.txt")
open(p, "w").write("x")
open("/tmp/x").read()
UPLOAD = "/tmp/uploads"
os.path.exists("/tmp/x")
obj.save("name")
form.save(commit=False)
Path("/var/lib/app/tmp").mkdir()
open(os.path.join(tempfile.mkdtemp(), "x"), "w")
""",
    ),
    (
        "SEC138",
        r"""
import tarfile, zipfile
def a(p):
    with zipfile.ZipFile(p) as z: z.extractall("x")
def b(p):
    with tarfile.open(p, "w") as t: t.add("x")
def c(p):
    with tarfile.open(p) as t: t.extractall("x", filter="data")
def d(p):
    with tarfile.open(p) as t:
        for m in t.getmembers():
            if ".." in m.name or m.name.startswith("/"): raise ValueError
        t.extractall("x")
def e(p): return extractor.extract(p)
""",
    ),
    (
        "SEC139",
        r"""
def a(resp):
    resp.set_cookie("sessionid", s, secure=True, httponly=True, samesite="Lax")
    resp.set_cookie("lang", l)
    resp.set_cookie("cookie_consent", "1", max_age=3600)
    resp.set_cookie("tz", tz, secure=True)
    resp.delete_cookie("sessionid")
    resp.set_cookie("session", "", expires=0)
    resp.set_cookie("session", s, secure=not settings.DEBUG, httponly=True, samesite="Lax")
    resp.set_cookie("sort", "asc", httponly=False)
    resp.set_cookie(key="access_token", value=t, httponly=True, secure=settings.COOKIE_SECURE, samesite="lax")
    resp.set_cookie("visited", "1")
    resp.set_cookie("cart_view", "grid")
""",
    ),
    (
        "SEC140",
        r"""
def a(request, x, user):
    assert x is not None
    assert isinstance(request.user, User)
    assert len(x) > 0
    assert user is not None
    assert request.user is not None
    assert x in (1, 2)
    assert hasattr(user, "profile")
    assert response.status_code == 200
    assert self.user
    assert callable(x)
    assert user.id is not None
    assert x.role_count == 3
""",
    ),
    (
        "SEC118",
        r"""
from Crypto.Cipher import AES
from cryptography.hazmat.primitives.asymmetric import rsa, ec
import os
a = AES.new(key, AES.MODE_GCM, nonce=os.urandom(12))
b = AES.new(key, AES.MODE_CBC, iv)
c = rsa.generate_private_key(public_exponent=65537, key_size=2048)
d = ec.generate_private_key(ec.SECP256R1())
e = User.objects.generate(10)
f = Model.new("x", "y")
g = DES.new(x)
""",
    ),
    (
        "SEC127",
        r"""
import jwt, os
K = os.environ["K"]
def a(p): return jwt.encode(p, K)
def b(p): return jwt.encode(p, settings.SECRET_KEY)
def c(p): return jwt.decode(p, load_key(), algorithms=["RS256"])
def d(t): return jwt.decode(t, "", options={"verify_signature": False})
def e(t): return "abc".encode("utf-8")
def f(t): return codec.encode(t, "literal")
def g(p): return jwt.encode(p, config["JWT"]["key"])
""",
    ),
    (
        "SEC123",
        r"""
import ssl
c = ssl.SSLContext(ssl.PROTOCOL_TLS)
c.minimum_version = ssl.TLSVersion.TLSv1_2
c.options |= ssl.OP_NO_TLSv1 | ssl.OP_NO_SSLv3
if c.minimum_version == ssl.TLSVersion.TLSv1: raise X
""",
    ),
    (
        "SEC124",
        r"""
import requests, httpx, aiohttp
requests.get(u, timeout=5)
requests.get(u, timeout=(3, 5))
httpx.get(u)
requests.Session()
d.get("x")
cache.get(u)
async def f():
    async with aiohttp.ClientSession() as s:
        await s.get(u)
    async with httpx.AsyncClient() as c:
        await c.get(u)
        await c.get(u, timeout=5)
""",
    ),
]


def proven(code: str, text: str) -> list[set[int]]:
    """The lines that each finding covers."""
    report = check([(PATH, text.encode())], project_of({PATH: text}), CONFIG, [RULES[code]])
    assert report.crashes == ()
    assert report.skipped == ()
    return [set(range(e.span.line, e.span.end_line + 1)) for e in report.findings]


@pytest.mark.parametrize(("code", "text"), WRITTEN, ids=[code for code, _ in WRITTEN])
def test_every_way_of_writing_it_is_found_and_nothing_else(code: str, text: str) -> None:
    lines = text.split("\n")
    bad = {number for number, line in enumerate(lines, start=1) if "# bad" in line}
    found = proven(code, text)
    missed = bad.difference(*found)
    wrong = [min(each) for each in found if not each & bad]
    assert [lines[number - 1] for number in sorted(missed)] == []
    assert [lines[number - 1] for number in wrong] == []


@pytest.mark.parametrize(("code", "text"), SAFE, ids=[code for code, _ in SAFE])
def test_what_only_looks_like_it_is_left_alone(code: str, text: str) -> None:
    lines = text.split("\n")
    assert [lines[min(each) - 1] for each in proven(code, text)] == []
