module example.com/orders // the service

go 1.22.1

toolchain go1.22.4

require github.com/gin-gonic/gin v1.9.1

require (
	golang.org/x/crypto v0.17.0 // indirect
	github.com/dgrijalva/jwt-go v3.2.0+incompatible
	example.com/local v0.0.0
)

replace example.com/local => ../local

replace (
	github.com/dgrijalva/jwt-go v3.2.0+incompatible => github.com/golang-jwt/jwt v3.2.1+incompatible
)
