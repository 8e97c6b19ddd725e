module keystore

go 1.19

require github.com/pavlo-v-chernykh/keystore-go/v4 v4.5.0
